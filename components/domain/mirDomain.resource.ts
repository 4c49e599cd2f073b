import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { SshTarget } from "../../core/target";
import { BackingImage, RootDisk } from "../image/rootDisk";
import { OnDrift } from "./baseline";
import { DomainSpec } from "./definition";
import { xsltAppending } from "../../core/xslt";
import { DomainContract, SpecArgs } from "./contract.resource";
import { GuestSeed } from "./seed.resource";

export interface MirDomainArgs {
  readonly provider: libvirt.Provider;
  /** Where virsh runs; undefined is this machine. */
  readonly host: SshTarget | undefined;
  /** Everything but the disks, which this component creates. */
  readonly spec: SpecArgs<Omit<DomainSpec, "disk" | "seed">>;
  /** Name of the lab's storage pool, and its folder on the host. */
  readonly pool: pulumi.Input<string>;
  readonly poolPath: string;
  readonly disk: RootDisk;
  /** Backing file of the root disk, once it is there. */
  readonly backing: pulumi.Input<BackingImage>;
  /** Virtual size of the root disk, GiB. */
  readonly diskGiB: number;
  readonly firstBoot: FirstBootArgs;
  readonly onDrift: OnDrift;
}

/** Inputs of the guest's first boot; see GuestSeedInputs. */
export interface FirstBootArgs {
  readonly hostname: string;
  readonly directory: pulumi.Input<string>;
  readonly clientPublicKey: pulumi.Input<string>;
  readonly hostPublicKey: pulumi.Input<string>;
  readonly packages: readonly string[];
  readonly gateway?: string;
  readonly apt?: string;
}

const GIB = 1024 ** 3;

/**
 * The page's virtual machine: SPICE display, QXL video, a 9p share. Its root disk is an overlay of the
 * image and outlives the domain; DomainContract manages the domain.
 */
export class MirDomain extends pulumi.ComponentResource {
  readonly domain: DomainContract;

  constructor(name: string, args: MirDomainArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:MirDomain", name, {}, opts);
    const host: { host?: SshTarget } = args.host === undefined ? {} : { host: args.host };
    const backing = pulumi.output(args.backing);

    const disk = new libvirt.Volume(
      `${name}-disk`,
      {
        name: backing.apply(() => args.disk.volume),
        pool: args.pool,
        size: args.diskGiB * GIB,
        format: "qcow2",
        xml: {
          xslt: backing.apply(({ path, format }) =>
            xsltAppending("/volume", [
              "backingStore",
              {},
              ["path", {}, path],
              ["format", { type: format }],
            ]),
          ),
        },
      },
      {
        parent: this,
        provider: args.provider,
        // Its user's: Pulumi neither deletes nor replaces it, unless the lab's `reset` or `down` lifts
        // this. A new disk has another name, and the old one goes when everything else is right.
        protect: true,
        // The provider would replace the disk for a new size. HostContract enlarges it in place.
        ignoreChanges: ["size"],
      },
    );
    const seed = new GuestSeed(
      `${name}-seed`,
      {
        ...host,
        ...args.firstBoot,
        name,
        folder: pulumi.output(args.pool).apply(() => args.poolPath),
      },
      {
        parent: this,
        deleteBeforeReplace: true,
        // The first boot of a disk that stays is over.
        ...(args.disk.kept ? { ignoreChanges: ["packages", "gateway"] } : {}),
      },
    );
    this.domain = new DomainContract(
      `${name}-domain`,
      {
        ...host,
        directory: args.firstBoot.directory,
        onDrift: args.onDrift,
        spec: {
          ...args.spec,
          disk: disk.name.apply((diskName) => `${args.poolPath}/${diskName}`),
          seed: seed.path,
        },
      },
      { parent: this, dependsOn: [disk, seed], deleteBeforeReplace: true },
    );
    this.registerOutputs({ domain: this.domain.name });
  }
}
