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
  /** Folders of the lab that must not be shared. */
  readonly kept: readonly string[];
}

/** Whether the paths are equal, or one contains the other. */
const overlap = (a: string, b: string): boolean =>
  a === b || a.startsWith(`${b}/`) || b.startsWith(`${a === "/" ? "" : a}/`);

export const shareNotSensitive = resourcePolicy<{ readonly paths: readonly string[] }>(
  {
    name: "share-not-sensitive",
    description:
      "A share is not a system folder or a home, and does not overlap the lab's state, keys, images or disks.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "A share gives a folder to root in the guest. No input shows where a symlink leads: `up` and the doctor check that on the host.",
    remediationSteps: "Share a folder of its own, e.g. /srv/mir.",
    config: {
      paths: {
        ...{ type: "array", items: { type: "string", pattern: "^/" }, default: [] },
        description:
          "More folders of the host that must not be shared, with all folders above and below.",
      },
    },
  },
  (args, report, { paths }) => {
    for (const { who, path, kept } of sharesOf(args.type, args.props, () => domainOf(args))) {
      const inner = [...kept, mirlabHome(), ...paths].find((folder) => overlap(path, folder));
      const reason =
        sharePathFault(path)?.split("; ")[0] ??
        (inner === undefined ? undefined : `'${path}' overlaps ${inner}`);
      if (reason === undefined) continue;
      report({
        what: `share of '${who}'`,
        found: `that ${reason}`,
        need: "a folder of its own",
        fix: "share a folder of its own, e.g. /srv/mir",
      });
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
