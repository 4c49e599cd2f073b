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
const maximum = (of: string, fallback: number): ConfigKey<number> => ({
  ...{ type: "integer", minimum: 1, default: fallback, description: `Maximum ${of}.` },
});

export const guestSizeLimits = resourcePolicy<Config>(
  {
    name: "guest-size-limits",
    description: "A guest is no larger than the lab allows.",
    severity: "low",
    enforcementLevel: "advisory",
    why: "Only the host's owner knows what is too large. Set the limits of a shared host, and make the policy mandatory there.",
    remediationSteps: "Make the guest smaller, or raise the limit.",
    config: {
      maxMemoryMiB: maximum("memory, MiB", 16384),
      maxVcpus: maximum("number of virtual CPUs", 8),
      maxDiskGiB: maximum("virtual size of a disk, GiB", 64),
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
      report({
        what: `guest '${who}'`,
        found: `${found} ${what}`,
        need: `at most ${config[key]}`,
        fix: `make the guest smaller, or raise ${key} of this policy`,
      });
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
