/** The engine's arguments for policy packs. Pure. */

const isOption = (arg: string, name: string): boolean => arg === name || arg.startsWith(`${name}=`);

/**
 * The project's own pack is always asked; a user's own packs and settings come beside it. The engine pairs
 * packs with settings by their order, and wants as many of these as of those: with one more setting than
 * packs, the user's first setting is for the project's pack.
 */
export function policyArgs(args: readonly string[]): string[] {
  const packs = args.filter((arg) => isOption(arg, "--policy-pack")).length;
  const configs = args.filter((arg) => isOption(arg, "--policy-pack-config")).length;
  return [
    ...["--policy-pack", "policies"],
    ...(configs > packs ? [] : ["--policy-pack-config", "policies/config.json"]),
    ...(configs > 0
      ? []
      : Array.from({ length: packs }, () => [
          "--policy-pack-config",
          "policies/empty.json",
        ]).flat()),
  ];
}
