import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { Target } from "../io/link";
import { DomainSpec, domainTree } from "../lib/domainXml";
import { xsltAnswering, xsltAppending } from "../lib/xslt";
import { clearOrphan } from "./orphan";
import { shortHash } from "./scriptCommand";

export interface MirDomainArgs {
  readonly provider: libvirt.Provider;
  /** Where virsh runs; undefined is this machine. */
  readonly host: Target;
  /** Stack and guest, as the domain's mark names them. */
  readonly owner: readonly [stack: string, guest: string];
  /** Everything but the disks, which are made here. */
  readonly spec: pulumi.Input<Omit<DomainSpec, "disk" | "seed">>;
  /** Name of the lab's storage pool, and its folder on the host. */
  readonly pool: pulumi.Input<string>;
  readonly poolPath: pulumi.Input<string>;
  /** Image that the root disk is laid over. */
  readonly image: { readonly path: pulumi.Input<string>; readonly format: pulumi.Input<string> };
  /** Virtual size of the root disk, GiB. */
  readonly diskGiB: number;
  /** cloud-init documents; the user data holds the guest's host key. Secret. */
  readonly userData: pulumi.Input<string>;
  readonly metaData: pulumi.Input<string>;
}

const GIB = 1024 ** 3;

/** File name of a path, without its extension, cut to a length that names stay readable with. */
function imageKey(path: string): string {
  return (path.split("/").at(-1) ?? path)
    .replace(/\.[a-z0-9]+$/, "")
    .replace(/^sha\d+-/, "")
    .slice(0, 12);
}

/**
 * The page's virtual machine: SPICE display, QXL video, a 9p share.
 *
 * The provider's schema cannot say most of that (QXL memory, channels, q35 devices), reads none of
 * it back and takes some changes without applying them. So the definition is ours, handed over as a
 * stylesheet that answers the whole document: any change of it replaces the domain, never silently
 * does nothing. Its disks are resources of their own and outlive it. See docs/decisions/0003.
 */
export class MirDomain extends pulumi.ComponentResource {
  /** libvirt's UUID. */
  readonly uuid: pulumi.Output<string>;
  readonly domainName: pulumi.Output<string>;
  readonly domain: libvirt.Domain;

  constructor(name: string, args: MirDomainArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:MirDomain", name, {}, opts);
    // Names are unique in libvirt: the old one has to go before the new one is made.
    const own = { parent: this, provider: args.provider, deleteBeforeReplace: true };
    const spec = pulumi.output(args.spec);
    const image = pulumi.all([args.image.path, args.image.format]);

    const disk = new libvirt.Volume(
      `${name}-disk`,
      {
        name: image.apply(([path]) => `${name}-${imageKey(path)}.qcow2`),
        pool: args.pool,
        size: args.diskGiB * GIB,
        format: "qcow2",
        xml: {
          xslt: image.apply(([path, format]) =>
            xsltAppending("/volume", [
              "backingStore",
              {},
              ["path", {}, path],
              ["format", { type: format }],
            ]),
          ),
        },
      },
      own,
    );
    // The seed's name follows its content: a new seed is a new disk in a new definition.
    const seedName = pulumi
      .unsecret(pulumi.output(args.metaData))
      .apply((text) => `${name}-seed-${shortHash(text)}.iso`);
    const seed = new libvirt.CloudinitDisk(
      `${name}-seed`,
      {
        name: seedName,
        pool: args.pool,
        userData: pulumi.secret(args.userData),
        metaData: args.metaData,
      },
      {
        ...own,
        hooks: {
          beforeCreate: [
            clearOrphan(`${name}-seed-orphan`, args.host, (seed) => ["seed", seed.pool, seed.name]),
          ],
        },
      },
    );
    const document = pulumi
      .all([spec, args.poolPath, disk.name, seed.name])
      .apply(([base, folder, diskName, isoName]) =>
        xsltAnswering(
          domainTree({ ...base, disk: `${folder}/${diskName}`, seed: `${folder}/${isoName}` }),
        ),
      );
    this.domain = new libvirt.Domain(
      `${name}-domain`,
      {
        name: spec.apply((s) => s.name),
        memory: spec.apply((s) => s.memoryMiB),
        vcpu: spec.apply((s) => s.vcpus),
        running: true,
        xml: { xslt: document },
      },
      {
        ...own,
        dependsOn: [disk, seed],
        hooks: {
          beforeCreate: [
            clearOrphan(`${name}-domain-orphan`, args.host, (domain) => [
              "domain",
              domain.name,
              ...args.owner,
            ]),
          ],
        },
        // What the stylesheet adds is read back as if it had been asked for here.
        ignoreChanges: READ_BACK,
      },
    );
    this.uuid = this.domain.id;
    this.domainName = this.domain.name;
    this.registerOutputs({ uuid: this.uuid, domainName: this.domainName });
  }
}

/** Properties that the provider reads from the live domain although the stylesheet decides them. */
const READ_BACK = [
  "arch",
  "cloudinit",
  "consoles",
  "cpu",
  "disks",
  "emulator",
  "filesystems",
  "graphics",
  "machine",
  "networkInterfaces",
  "type",
  "video",
];
