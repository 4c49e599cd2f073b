import { NAME } from "../config/names";
import { domainOf, DOMAIN, resourcePolicy } from "./kit";

const NAMED = [DOMAIN, "libvirt:index/pool:Pool", "libvirt:index/network:Network"];
const CONTRACT = "pulumi-nodejs:dynamic/mir:DomainContract";

export const namesAndLabels = resourcePolicy(
  {
    name: "names-and-labels",
    description:
      "Every resource of a lab in libvirt has the lab's name, and every domain its mark.",
    severity: "low",
    enforcementLevel: "mandatory",
    why: "On a shared host, somebody may delete a domain that does not name its lab. The lab keeps its name when its stack is renamed.",
    remediationSteps: "Name it mirlab-LAB, or mirlab-LAB-SOMETHING.",
  },
  (args, report) => {
    const { name } = args.props as { name?: string };
    if (NAMED.includes(args.type) && !(name ?? "").startsWith("mirlab-")) {
      report({
        what: `resource '${args.name}'`,
        found: name === undefined ? "no name in libvirt" : `the name '${name}' in libvirt`,
        need: "the lab's name",
        fix: "name it 'mirlab-LAB-...'",
      });
    }
    const domain = domainOf(args);
    if (domain?.mark === undefined) return;
    const { stack, guest } = domain.mark;
    const own = args.type === CONTRACT ? (args.props as { spec: { name: string } }).spec.name : "";
    if ((own === "" || own === `mirlab-${stack}-${guest}`) && NAME.test(guest)) return;
    report({
      what: `domain of '${args.name}'`,
      found: `the mark of lab '${stack}' and guest '${guest}'${own === "" ? "" : ` in '${own}'`}`,
      need: "a valid guest name, and the same lab and guest in name and mark",
      fix: "declare the guest by components/lab/guest.resource.ts",
    });
  },
);
