import { NAME } from "../config/names";
import { domainOf, DOMAIN, resourcePolicy } from "./kit";

/** `dev` of `urn:pulumi:dev::mirlab::...` */
const stackOf = (urn: string): string => urn.split("::")[0]?.split(":").at(-1) ?? "";

const NAMED = [DOMAIN, "libvirt:index/pool:Pool", "libvirt:index/network:Network"];

export const namesAndLabels = resourcePolicy(
  {
    name: "names-and-labels",
    description: "What a lab makes in libvirt says by its name and mark whose it is.",
    severity: "low",
    enforcementLevel: "mandatory",
    why: "On a host that others use, a domain without a name of its lab is one that somebody deletes.",
    remediationSteps: "Name it mirlab-STACK-SOMETHING.",
  },
  (args, report) => {
    const stack = stackOf(args.urn);
    if (NAMED.includes(args.type)) {
      const { name } = args.props as { name?: string };
      if (name !== `mirlab-${stack}` && !(name ?? "").startsWith(`mirlab-${stack}-`)) {
        report(
          `The resource '${args.name}' must be named for its lab in libvirt, found ` +
            `${name === undefined ? "no name" : `'${name}'`}; name it 'mirlab-${stack}-...'.`,
        );
      }
    }
    const domain = domainOf(args);
    if (domain?.mark === undefined) return;
    const { mark } = domain;
    if (mark.stack !== stack || !NAME.test(mark.guest)) {
      report(
        `The domain of '${args.name}' must carry the mark of its lab, found stack '${mark.stack}' and ` +
          `guest '${mark.guest}', required stack '${stack}'; declare it by components/lab/guest.resource.ts.`,
      );
    }
  },
);
