import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { labFolder } from "../io/paths";
import { GUEST_USER, metaData, userData } from "../lib/cloudInit";
import { GuestConfig, HostConfig } from "../lib/labSchema";
import { Acceleration, DOMAIN_TYPE } from "../lib/limits";
import { macAddress } from "../lib/mac";
import { GUEST_PACKAGES } from "../lib/packages";
import { Console } from "./console";
import { GuestAccess } from "./guestAccess";
import { GuestBoot } from "./guestBoot";
import { GuestImage } from "./guestImage";
import { LabHost } from "./labHost";
import { MirDomain } from "./mirDomain";
import { MirReadiness } from "./mirReadiness";
import { MirSession } from "./mirSession";
import { Connection, scriptCommand } from "./scriptCommand";
import { SHARE_TAG, SharedFolder } from "./sharedFolder";

export interface GuestArgs {
  readonly config: GuestConfig;
  readonly host: HostConfig;
  readonly labHost: LabHost;
  readonly stack: string;
}

/** What `pulumi stack output guests` shows of one guest. One line each. */
export interface GuestOutputs {
  readonly sshCommand: pulumi.Output<string>;
  readonly spiceUri: pulumi.Output<string>;
  readonly viewerFile: pulumi.Output<string>;
  readonly screenshot: pulumi.Output<string>;
  readonly versions: pulumi.Output<{ linux: string; mesa: string; mir: string }>;
  /** `kvm` or `tcg`, and why. */
  readonly acceleration: pulumi.Output<string>;
  readonly readiness: pulumi.Output<string>;
  /** `HOST FOLDER -> MOUNT POINT`, or `none`. */
  readonly share: pulumi.Output<string>;
}

/** One guest, from its image to the picture of its screen. */
export class Guest extends pulumi.ComponentResource {
  readonly outputs: GuestOutputs;

  constructor(name: string, args: GuestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:Guest", name, args, opts);
    const { config, labHost, stack } = args;
    const { connection, target } = labHost;
    const parent = { parent: this };
    const afterHost = { parent: this, dependsOn: labHost };
    const folder = join(labFolder(stack), config.name);

    const probed = acceleration(name, args, afterHost);
    const [sshPort, spicePort] = ports(name, args, afterHost);
    const access = new GuestAccess(
      `${name}-access`,
      {
        directory: folder,
        alias: `mirlab-${stack}-${config.name}`,
        user: GUEST_USER,
        screen: spicePort.apply((port) => ({ title: `Mir: ${config.name}`, port })),
        ...(config.network.mode === "nat"
          ? { hostName: labHost.addresses.get(config.name) ?? "", port: 22 }
          : { hostName: "127.0.0.1", port: sshPort }),
        ...(labHost.jump === undefined ? {} : { jump: labHost.jump }),
      },
      parent,
    );
    const share = sharePath(name, args, afterHost);
    const domain = this.makeDomain(name, args, { probed, sshPort, spicePort, access, share });
    const seen = {
      guest: access.target,
      ...(target === undefined ? {} : { host: target }),
      domain: domain.domainName,
      uuid: domain.uuid,
      acceleration: probed.apply((p) => p.acceleration),
      serialLog: serialLog(args),
    };
    const boot = new GuestBoot(`${name}-boot`, seen, { parent: this, dependsOn: domain });
    const inGuest = guestConnection(access, connection);
    const booted = { parent: this, dependsOn: boot };
    const folderInGuest =
      share === undefined
        ? undefined
        : new SharedFolder(
            `${name}-share`,
            { connection: inGuest, mount: config.share.mount },
            booted,
          );
    const session = new MirSession(
      `${name}-session`,
      { connection: inGuest, session: config.session },
      booted,
    );
    const readiness = new MirReadiness(
      `${name}-readiness`,
      {
        ...seen,
        gates: config.gates,
        session: session.state,
        picture: join(folder, "screen.png"),
        ...(share === undefined
          ? {}
          : {
              share: share.apply((path) => ({
                path,
                mount: config.share.mount,
                readonly: config.share.readonly,
              })),
            }),
      },
      { parent: this, dependsOn: [session, ...(folderInGuest === undefined ? [] : [folderInGuest])] },
    );
    const console = new Console(
      `${name}-console`,
      { port: spicePort, access },
      parent,
    );
    this.outputs = {
      sshCommand: access.target.apply((t) => `ssh -F ${t.config} ${t.alias}`),
      spiceUri: console.spiceUri,
      viewerFile: console.viewerFile,
      screenshot: readiness.picture,
      versions: readiness.facts.apply((f) => ({
        linux: f?.kernel ?? "unknown",
        mesa: f?.mesa ?? "unknown",
        mir: f?.mir ?? "unknown",
      })),
      acceleration: probed.apply((p) => `${p.acceleration}: ${p.reason}`),
      readiness: readiness.status,
      share: pulumi.output(share).apply((p) => (p === undefined ? "none" : `${p} -> ${config.share.mount}`)),
    };
    this.registerOutputs({ ...this.outputs });
  }

  private makeDomain(name: string, { config, host, labHost, stack }: GuestArgs, made: Made): MirDomain {
    if (config.image.source === "existing") throw new Error("adopted domains are made elsewhere");
    const image = new GuestImage(
      `${name}-image`,
      {
        connection: labHost.connection,
        cacheDir: host.cacheDir,
        image: config.image,
        diskGiB: config.diskGiB,
      },
      { parent: this, dependsOn: labHost },
    );
    const packages = config.image.source === "url" ? GUEST_PACKAGES : [];
    const user = pulumi.secret(
      pulumi
        .all([made.access.clientPublicKey, made.access.hostPrivateKey, made.access.hostPublicKey])
        .apply(([clientPublicKey, hostPrivateKey, hostPublicKey]) =>
          userData({ hostname: config.name, clientPublicKey, hostPrivateKey, hostPublicKey, packages }),
        ),
    );
    const network = config.network.mode === "nat" ? labHost.network : undefined;
    return new MirDomain(
      `${name}-vm`,
      {
        provider: labHost.provider,
        pool: labHost.pool,
        poolPath: labHost.poolPath,
        image,
        diskGiB: config.diskGiB,
        userData: user,
        metaData: pulumi.unsecret(user.apply((text) => metaData(config.name, text))),
        spec: pulumi
          .all([made.probed, made.sshPort, made.spicePort, made.share, network])
          .apply(([probed, sshPort, spicePort, share, networkName]) => ({
            name: `mirlab-${stack}-${config.name}`,
            stack,
            guest: config.name,
            type: DOMAIN_TYPE[probed.acceleration],
            memoryMiB: config.memoryMiB,
            vcpus: config.vcpus,
            mac: macAddress(stack, config.name),
            serialLog: serialLog({ host, stack, config }),
            video: config.video,
            spice: { ...config.spice, port: spicePort },
            network:
              networkName === undefined
                ? { mode: "user" as const, sshPort }
                : { mode: "nat" as const, name: networkName },
            ...(share === undefined
              ? {}
              : { share: { path: share, tag: SHARE_TAG, readonly: config.share.readonly } }),
          })),
      },
      { parent: this, dependsOn: labHost },
    );
  }
}

/** What the domain is made from, besides the configuration. */
interface Made {
  readonly probed: pulumi.Output<Probed>;
  readonly sshPort: pulumi.Output<number>;
  readonly spicePort: pulumi.Output<number>;
  readonly access: GuestAccess;
  readonly share: pulumi.Output<string> | undefined;
}

interface Probed {
  readonly acceleration: Acceleration;
  readonly reason: string;
}

function serialLog({ host, stack, config }: Pick<GuestArgs, "host" | "stack" | "config">): string {
  return `${host.dataDir}/${stack}/log/${config.name}.serial.log`;
}

/** How the guest's instructions run: as configured, or what a probe guest proved. */
function acceleration(
  name: string,
  { config, host, labHost }: GuestArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<Probed> {
  if (config.acceleration === "tcg") {
    return pulumi.output({ acceleration: "tcg", reason: "asked for by guests[].acceleration" });
  }
  const probe = scriptCommand(
    `${name}-acceleration`,
    labHost.connection,
    { script: "host/kvm-probe.sh", args: [host.cacheDir] },
    opts,
  );
  return probe.stdout.apply((text) => {
    const probed = JSON.parse(text) as Probed;
    if (config.acceleration === "kvm" && probed.acceleration !== "kvm") {
      throw new Error(
        `${config.name}: acceleration: found ${probed.reason}, need a working KVM; ` +
          `repair it, or set guests[].acceleration to "auto"`,
      );
    }
    return probed;
  });
}

/** Loopback ports of SSH and SPICE on the lab host, reserved there. */
function ports(
  name: string,
  { config, host, labHost, stack }: GuestArgs,
  opts: pulumi.CustomResourceOptions,
): [pulumi.Output<number>, pulumi.Output<number>] {
  const holder = `${stack}.${config.name}`;
  const wishes = [config.network.sshPort ?? 0, config.spice.port ?? 0].map(String);
  const reserved = scriptCommand(
    `${name}-ports`,
    labHost.connection,
    {
      script: "host/ports.sh",
      args: ["reserve", host.dataDir, holder, ...wishes],
      deleteArgs: ["release", host.dataDir, holder],
    },
    opts,
  );
  const at = (i: number): pulumi.Output<number> =>
    reserved.stdout.apply((text) => Number(text.trim().split(" ")[i]));
  return [at(0), at(1)];
}

/** The share's folder on the host: the configured one, or one made for the guest. */
function sharePath(
  name: string,
  { config, host, labHost, stack }: GuestArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> | undefined {
  if (!config.share.enabled) return undefined;
  if (config.share.path !== undefined) return pulumi.output(config.share.path);
  const own = [host.dataDir, stack, config.name];
  return scriptCommand(
    `${name}-share-folder`,
    labHost.connection,
    {
      script: "host/folders.sh",
      args: ["make-share", ...own],
      deleteArgs: ["remove-share", ...own],
    },
    opts,
  ).stdout.apply((text) => text.trim());
}

/** A connection into the guest that accepts the pinned host key only. */
function guestConnection(access: GuestAccess, hop: Connection): Connection {
  return {
    host: access.hostName,
    port: access.port,
    user: access.user,
    privateKey: access.privateKey,
    hostKey: access.hostPublicKey,
    perDialTimeout: 60,
    ...(hop === undefined ? {} : { proxy: hop }),
  };
}
