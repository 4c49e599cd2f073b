import { readFileSync } from "node:fs";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { HostAccess } from "./access.io";
import { SshTarget } from "../../core/target";
import { HostFacts } from "./facts";
import { GuestConfig, HostConfig, SshConfig } from "../../config/schema";
import { natAddresses, natGateway, networkMark } from "./natNetwork";
import { agentSocket } from "../../core/paths";
import { SshHost } from "../../core/sshConfig";
import { RootDisk } from "../image/rootDisk";
import { xsltAppending } from "../../core/xslt";
import { HostContract } from "./contract.resource";
import { HostPackages } from "./packages.resource";
import { clearOrphan, plugGuests } from "./orphan.resource";
import { RemoteConnection, scriptCommand } from "../../core/scriptCommand.resource";
import { labNamed } from "../../core/labNames";

export interface LabHostArgs {
  readonly host: HostConfig;
  /** How to reach the host. */
  readonly access: HostAccess;
  /** The host's facts from before anything is changed. */
  readonly facts: HostFacts;
  /** Name of the lab: the name of its stack at the first `up`. */
  readonly stack: string;
  /** Owner of the lab; see components/lab/owner.io.ts. */
  readonly owner: string;
  /** Names and MAC addresses of the guests on the lab's own network; empty: no network is created. */
  readonly natGuests: readonly { readonly name: string; readonly mac: string }[];
  /** The guests as declared: the host keeps folders, ports, images and disks for them. */
  readonly guests: readonly GuestConfig[];
  /** Root disks by guest; an adopted guest has none. */
  readonly disks: ReadonlyMap<string, RootDisk>;
}

/** The machine that guests run on: packages, libvirt, folders, storage pool, network. */
export class LabHost extends pulumi.ComponentResource {
  readonly connection: RemoteConnection | undefined;
  /** Where host scripts run; undefined is this machine. */
  readonly target: SshTarget | undefined;
  /** The host as a hop to guests; undefined when guests are on this machine. */
  readonly jump: SshHost | undefined;
  readonly owner: string;
  readonly provider: libvirt.Provider;
  readonly pool: pulumi.Output<string>;
  readonly poolPath: string;
  /** Name of the lab's network, when a guest uses it. */
  readonly network: pulumi.Output<string> | undefined;
  readonly addresses: ReadonlyMap<string, string>;

  constructor(name: string, args: LabHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:LabHost", name, {}, opts);
    const { host, stack, owner } = args;
    this.connection =
      host.ssh === undefined ? undefined : pinnedConnection(host.ssh, args.access.jump?.inAgent);
    this.owner = owner;
    this.target = args.access.target;
    this.jump = args.access.jump;

    const packages = new HostPackages(
      `${name}-packages`,
      {
        connection: this.connection,
        mode: host.packages,
        qemu: host.qemu,
        viewers: host.viewers,
      },
      { parent: this },
    );
    const folders = scriptCommand(
      `${name}-folders`,
      this.connection,
      {
        script: "host/folders.sh",
        args: ["make", host.dataDir, stack, owner],
        deleteArgs: ["remove", host.dataDir, stack, owner],
      },
      { parent: this, dependsOn: packages },
    );
    const { uri } = args.access;
    this.provider = new libvirt.Provider(
      `${name}-libvirt`,
      // While libvirt does not answer, a preview must not know the URI: the provider would connect.
      { uri: args.facts.libvirt === "ok" ? uri : packages.ready.apply(() => uri) },
      { parent: this, dependsOn: packages, ...(host.ssh === undefined ? {} : OWN_SSH) },
    );
    const own = { parent: this, provider: this.provider, deleteBeforeReplace: true };
    this.poolPath = poolPath(host, stack);
    const pool = new libvirt.Pool(
      `${name}-pool`,
      { name: labNamed(stack), type: "dir", target: { path: this.poolPath } },
      {
        ...own,
        dependsOn: folders,
        hooks: {
          beforeCreate: [
            clearOrphan(`${name}-pool-orphan`, this.target, (pool) => [
              "pool",
              pool.name,
              this.poolPath,
            ]),
          ],
        },
      },
    );
    this.pool = pool.name;
    this.addresses = natAddresses(
      host.natSubnet,
      args.natGuests.map((g) => g.name),
    );
    const network =
      args.natGuests.length === 0
        ? undefined
        : this.createNetwork(name, args, { ...own, dependsOn: pool });
    this.network = network?.name;
    new HostContract(
      `${name}-contract`,
      {
        ...{ stack, owner, host, target: this.target, guests: args.guests, disks: args.disks },
        codeName: args.facts.suite,
        pool: { name: labNamed(stack), path: this.poolPath },
        network:
          network === undefined
            ? undefined
            : {
                name: labNamed(stack),
                address: `${natGateway(host.natSubnet)}/24`,
                hosts: this.leases(args),
              },
      },
      // A lost pool or network is recreated by its own resource first.
      { parent: this, dependsOn: [folders, pool, ...(network === undefined ? [] : [network])] },
    );
    this.registerOutputs({ pool: this.pool });
  }

  private createNetwork(
    name: string,
    args: LabHostArgs,
    own: pulumi.CustomResourceOptions,
  ): libvirt.Network {
    const { host, stack } = args;
    return new libvirt.Network(
      `${name}-network`,
      {
        name: labNamed(stack),
        mode: "nat",
        autostart: true,
        addresses: [host.natSubnet],
        dhcp: { enabled: true },
        // HostContract sets guests' addresses, so that a new guest does not replace the network.
        xml: { xslt: xsltAppending("/network", networkMark(stack)) },
      },
      {
        ...own,
        hooks: {
          beforeCreate: [
            clearOrphan(`${name}-network-orphan`, this.target, (network) => [
              "network",
              network.name,
              stack,
            ]),
          ],
          afterCreate: [plugGuests(`${name}-network-plug`, this.target, labNamed(stack))],
        },
      },
    );
  }

  /** The fixed address of each guest on the network. */
  private leases({ natGuests }: LabHostArgs): { mac: string; ip: string }[] {
    return natGuests.map((g) => ({ mac: g.mac, ip: this.addresses.get(g.name) ?? "" }));
  }
}

/**
 * The provider reads `.ssh/config` of its home for what its URI does not say, and for the port even where it
 * does; OpenSSH and @pulumi/command are given a configuration of the lab's and read nothing else. So bin/pulumi
 * gives it a home without one.
 */
const OWN_SSH = { envVarMappings: { MIRLAB_PROVIDER_HOME: "HOME" } };

/** Folder of a lab's pool on its host. */
export const poolPath = ({ dataDir }: HostConfig, lab: string): string => `${dataDir}/${lab}/pool`;

/** A connection of @pulumi/command that accepts the pinned host keys only. */
function pinnedConnection(ssh: SshConfig, inAgent?: true): RemoteConnection {
  const key = inAgent
    ? { agentSocketPath: agentSocket() }
    : { privateKey: pulumi.secret(readFileSync(ssh.privateKeyFile, "utf8")) };
  const at = ({ host, port, hostKey }: NonNullable<SshConfig["jump"]>) => ({
    ...{ host, port, hostKey, user: ssh.user },
    ...key,
  });
  return { ...at(ssh), ...(ssh.jump === undefined ? {} : { proxy: at(ssh.jump) }) };
}
