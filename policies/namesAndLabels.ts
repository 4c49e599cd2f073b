import { NAME } from "../config/names";
import { domainOf, DOMAIN, resourcePolicy } from "./kit";

/** `dev` of `urn:pulumi:dev::mirlab::...` */
const stackOf = (urn: string): string => urn.split("::")[0]?.split(":").at(-1) ?? "";

const NAMED = [DOMAIN, "libvirt:index/pool:Pool", "libvirt:index/network:Network"];

export const namesAndLabels = resourcePolicy(
  {
    name: "names-and-labels",
    description:
      "Every resource of a lab in libvirt has the lab's name, and every domain its mark.",
    severity: "low",
    enforcementLevel: "mandatory",
    why: "On a shared host, somebody may delete a domain that does not name its lab.",
    remediationSteps: "Name it mirlab-STACK-SOMETHING.",
  },
  (args, report) => {
    const stack = stackOf(args.urn);
    if (NAMED.includes(args.type)) {
      const { name } = args.props as { name?: string };
      if (name !== `mirlab-${stack}` && !(name ?? "").startsWith(`mirlab-${stack}-`)) {
        report({
          what: `resource '${args.name}'`,
          found: name === undefined ? "no name in libvirt" : `the name '${name}' in libvirt`,
          need: "the lab's name",
          fix: `name it 'mirlab-${stack}-...'`,
        });
      }
    }
    const domain = domainOf(args);
    if (domain?.mark === undefined) return;
    const { mark } = domain;
    if (mark.stack !== stack || !NAME.test(mark.guest)) {
      report({
        what: `domain of '${args.name}'`,
        found: `the mark of stack '${mark.stack}' and guest '${mark.guest}'`,
        need: `the mark of stack '${stack}' and a valid guest name`,
        fix: "declare the guest by components/lab/guest.resource.ts",
      });
    }
  },
);
