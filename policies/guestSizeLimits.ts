import { ConfigKey, domainOf, resourcePolicy } from "./kit";

interface Config {
  readonly maxMemoryMiB: number;
  readonly maxVcpus: number;
  readonly maxDiskGiB: number;
}

interface HostInputs {
  readonly guests: readonly { readonly name: string; readonly disk?: { readonly bytes: number } }[];
}

const GIB = 1024 ** 3;
const most = (of: string, fallback: number): ConfigKey<number> => ({
  ...{ type: "integer", minimum: 1, default: fallback, description: `Most ${of}.` },
});

export const guestSizeLimits = resourcePolicy<Config>(
  {
    name: "guest-size-limits",
    description: "A guest is no larger than the lab allows.",
    severity: "low",
    enforcementLevel: "advisory",
    why: "What is too large is for the host's owner to say. Set the limits of a shared host, and make it mandatory there.",
    remediationSteps: "Make the guest smaller, or raise the limit.",
    config: {
      maxMemoryMiB: most("memory, MiB", 16384),
      maxVcpus: most("virtual CPUs", 8),
      maxDiskGiB: most("virtual size of a disk, GiB", 64),
    },
  },
  (args, report, config) => {
    const check = (
      who: string,
      what: string,
      found: number | undefined,
      key: keyof Config,
    ): void => {
      if (found === undefined || found <= config[key]) return;
      report(
        `The guest '${who}' must have at most ${config[key]} ${what}, found ${found}; ` +
          `make it smaller, or raise ${key} of this policy.`,
      );
    };
    if (args.type === "pulumi-nodejs:dynamic/mir:HostContract") {
      for (const { name, disk } of (args.props as HostInputs).guests) {
        check(name, "GiB of disk", disk && Math.ceil(disk.bytes / GIB), "maxDiskGiB");
      }
    }
    const domain = domainOf(args);
    if (domain === undefined) return;
    check(domain.name, "MiB of memory", domain.memoryMiB, "maxMemoryMiB");
    check(domain.name, "virtual CPUs", domain.vcpus, "maxVcpus");
  },
);
