import * as pulumi from "@pulumi/pulumi";
import { HostContractInputs, HostContractProps } from "./contract.provider";
import { SshTarget } from "../../core/target";
import { GuestOnHost } from "./contract";
import { GuestConfig, HostConfig } from "../../config/schema";
import { HOST_PARTS, hostPackages } from "./packages";
import { RootDisk } from "../image/rootDisk";
import { DynamicResource } from "../../core/dynamic.resource";
import { guestNamed } from "../../core/labNames";

export interface HostContractArgs {
  readonly stack: string;
  readonly owner: string;
  readonly host: HostConfig;
  /** The host's release, e.g. `trixie`. */
  readonly codeName: string;
  /** Where host scripts run; undefined is this machine. */
  readonly target: SshTarget | undefined;
  readonly pool: { readonly name: string; readonly path: string };
  readonly network: HostContractInputs["network"];
  readonly guests: readonly GuestConfig[];
  /** Root disks by guest; an adopted guest has none. */
  readonly disks: ReadonlyMap<string, RootDisk>;
}

const GIB = 1024 ** 3;

/**
 * What a lab relies on on its host: packages and their files, daemons, groups, libvirt's settings,
 * folders, ports, images, pool, volumes, network. Every preview observes all of it in one run and
 * names what differs; `up` repairs it before it touches a guest. A change that the host's owner may
 * decide is reported once, then recorded. See docs/decisions/0010.
 *
 * It is created before the guests, so its inputs come from the configuration, never from guests'
 * resources.
 */
export class HostContract extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:HostContract";

  declare readonly drift: pulumi.Output<string[]>;
  declare readonly recorded: pulumi.Output<HostContractProps["recorded"]>;

  constructor(name: string, args: HostContractArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = { ...contractOf(args), recorded: undefined };
    super("hostContract", "HostContract", name, inputs, opts);
  }
}

function contractOf(args: HostContractArgs): HostContractInputs {
  const { stack, owner, host, target, pool, network, guests, disks } = args;
  const packages = hostPackages(args.codeName, host.viewers);
  return {
    ...{ stack, owner, dataDir: host.dataDir, cacheDir: host.cacheDir, pool },
    onDrift: host.onDrift,
    packages: packages.map((p) => p.name),
    parts: HOST_PARTS,
    install: host.packages === "install",
    ...(host.qemu === "backports" ? { qemu: host.qemu } : {}),
    ...(network === undefined ? {} : { network }),
    guests: guests.map((guest) => guestOf(guest, host, stack, disks.get(guest.name))),
    ...(target === undefined ? {} : { host: target }),
    drift: [],
  };
}

function guestOf(
  config: GuestConfig,
  host: HostConfig,
  stack: string,
  root: RootDisk | undefined,
): GuestOnHost {
  const { name, image, share, spice, network, diskGiB } = config;
  const common = {
    name,
    ...(config.onDrift === "heal" ? {} : { onDrift: config.onDrift }),
    ...(share.enabled
      ? {
          share: {
            path: share.path ?? `${host.dataDir}/${stack}/shares/${name}`,
            own: share.path === undefined,
          },
        }
      : {}),
  };
  if (image.source === "existing") {
    const ports = { spice: spice.port ?? 0 };
    return { ...common, domain: image.domain, ports, network: "own" };
  }
  return {
    ...{ ...common, domain: guestNamed(stack, name), network: network.mode },
    ports: { ssh: network.sshPort ?? 0, spice: spice.port ?? 0 },
    ...(root === undefined ? {} : { disk: diskOf(root, diskGiB) }),
  };
}

function diskOf({ volume, image }: RootDisk, diskGiB: number): NonNullable<GuestOnHost["disk"]> {
  const { path, format, digest } = image;
  return {
    ...{ volume, bytes: diskGiB * GIB, image: path, imageFormat: format },
    ...(digest === undefined ? {} : { digest }),
  };
}
