import { sharePathFault } from "../config/sharePath";
import { mirlabHome } from "../core/paths";
import { domainOf, resourcePolicy } from "./kit";

interface HostInputs {
  readonly cacheDir: string;
  readonly pool: { readonly path: string };
  readonly guests: readonly { readonly name: string; readonly share?: { readonly path: string } }[];
}

interface Shared {
  readonly who: string;
  readonly path: string;
  /** Folders of the lab that nobody shares. */
  readonly kept: readonly string[];
}

/** Whether one path is the other, or holds it. */
const meet = (a: string, b: string): boolean =>
  a === b || a.startsWith(`${b}/`) || b.startsWith(`${a === "/" ? "" : a}/`);

export const shareNotSensitive = resourcePolicy<{ readonly paths: readonly string[] }>(
  {
    name: "share-not-sensitive",
    description:
      "A share is no system folder, no home, and holds neither the lab's state, keys, images nor disks.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "A share hands a folder to whoever is root in the guest. What a symlink there leads to is no input: `up` and the doctor look at that on the host.",
    remediationSteps: "Share a folder made for it, e.g. /srv/mir.",
    config: {
      paths: {
        ...{ type: "array", items: { type: "string", pattern: "^/" }, default: [] },
        description: "More folders of the host that are never shared, with all above and below.",
      },
    },
  },
  (args, report, { paths }) => {
    for (const { who, path, kept } of sharesOf(args.type, args.props, () => domainOf(args))) {
      const inner = [...kept, mirlabHome(), ...paths].find((folder) => meet(path, folder));
      const fault =
        sharePathFault(path) ??
        (inner === undefined ? undefined : `'${path}' and ${inner} hold one another`);
      if (fault === undefined) continue;
      const [found, fix = "share a folder made for it, e.g. /srv/mir"] = fault.split("; ");
      report(`The share of '${who}' must be a folder made for it, found that ${found}; ${fix}.`);
    }
  },
);

function sharesOf(
  type: string,
  props: object,
  domain: () => ReturnType<typeof domainOf>,
): readonly Shared[] {
  if (type === "pulumi-nodejs:dynamic/mir:HostContract") {
    const { guests, pool, cacheDir } = props as HostInputs;
    return guests.flatMap(({ name, share }) =>
      share === undefined ? [] : [{ who: name, path: share.path, kept: [pool.path, cacheDir] }],
    );
  }
  const parts = domain();
  return (parts?.shares ?? []).map(({ path }) => {
    const folder = parts?.diskFolder;
    return { who: parts?.name ?? "", path, kept: folder === undefined ? [] : [folder] };
  });
}
