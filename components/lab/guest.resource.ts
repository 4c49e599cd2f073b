import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { shellLine } from "../../core/quote";
import { kernelConfig, mesaConfig } from "../build/order.io";
import { labFolder, reportFile } from "../../core/paths";
import { GUEST_GROUPS, GUEST_USER } from "../domain/cloudInit";
import { BuildPlace } from "../build/build";
import { OwnGuest } from "../guest/contract";
import { GuestConfig } from "../../config/schema";
import { recordedVideo } from "../../config/video";
import { PICTURE_PACKAGES } from "../host/packages";
import { GuestArgs } from "./guestArgs.resource";
import { adoptedMachine } from "./adoptedMachine.resource";
import { Console } from "../access/console.resource";
import { GuestAccess } from "../access/access.resource";
import { aptPart } from "../host/aptSettings";
import { agentSocket } from "../../core/paths";
import { GuestBoot } from "../guest/boot.resource";
import { GuestContract } from "../guest/contract.resource";
import { GuestKernel } from "../build/kernel.resource";
import { imageWanted } from "../image/image.resource";
import { laterDisk, RootDisk } from "../image/rootDisk";
import { GuestMesa } from "../build/mesa.resource";
import { newMachine } from "./newMachine.resource";
import { MirReadiness } from "../readiness/readiness.resource";
import { MirSession, sessionArgs } from "../guest/session.resource";
import { Connection } from "../../core/scriptCommand.resource";
import { SHARE_TAG, SharedFolder } from "../guest/share.resource";

/** What `pulumi stack output guests` shows of one guest. One line each. */
export interface GuestOutputs {
  readonly sshCommand: pulumi.Output<string>;
  readonly spiceUri: pulumi.Output<string>;
  readonly viewerFile: pulumi.Output<string>;
  readonly screenshot: pulumi.Output<string>;
  /** HTML report of the last check of the guest: verdicts, picture, facts, logs. */
  readonly report: pulumi.Output<string>;
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
    super("mirlab:index:Guest", name, {}, opts);
    const { config, stack } = args;
    const { image } = config;
    const machine =
      image.source === "existing"
        ? adoptedMachine(name, args, image, this)
        : newMachine(name, args, imageWanted(config, image), diskOf(args), this);
    const { access, share } = machine;
    const seen = {
      guest: access.target,
      ...(machine.host === undefined ? {} : { host: machine.host }),
      domain: machine.domainName,
      bootId: machine.bootId,
      acceleration: machine.acceleration,
      serialLog: machine.serialLog,
    };
    const boot = new GuestBoot(
      `${name}-boot`,
      { ...seen, ...(machine.adopted ? { adopted: true } : {}) },
      { parent: this, dependsOn: machine.resource },
    );
    const inGuest = guestConnection(args, access);
    const onDrift: "heal" | "report" = config.onDrift === "report" ? "report" : "heal";
    const { outputs } = config.video;
    const { model } = recordedVideo(config.video);
    const card = model === undefined ? {} : { video: model };
    const software = {
      ...seen,
      ...{ name: config.name, gates: config.gates, share: share !== undefined, onDrift },
      ...card,
    };
    const placeOf = ({ build }: { readonly build?: object | undefined }) =>
      build === undefined ? {} : { place: buildPlace(args) };
    // The kernel comes first, as a new one needs a reboot. An adopted guest keeps its own.
    const kernel = machine.adopted
      ? undefined
      : new GuestKernel(
          `${name}-kernel`,
          { ...software, config: kernelConfig(config), ...placeOf(config.kernel) },
          { parent: this, dependsOn: boot },
        );
    // Mesa comes after the kernel, as it has to draw on it.
    const mesa =
      kernel === undefined
        ? undefined
        : new GuestMesa(
            `${name}-mesa`,
            { ...software, config: mesaConfig(config), ...placeOf(config.mesa) },
            { parent: this, dependsOn: kernel },
          );
    const booted = { parent: this, dependsOn: mesa ?? boot };
    /** A text that changes with every boot and every change of Mesa by the lab. */
    const sinceChange = (word: pulumi.Output<string>): pulumi.Output<string> =>
      pulumi
        .all([word, kernel?.boots ?? "", mesa?.changes ?? ""])
        .apply((words) => words.filter((known) => known !== "").join(" "));
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
      { connection: inGuest, session: config.session, outputs },
      booted,
    );
    const settled = [session, ...(folderInGuest === undefined ? [] : [folderInGuest])];
    const contract = new GuestContract(
      `${name}-contract`,
      {
        ...{ name: config.name, guest: access.target },
        boot: sinceChange(machine.bootId),
        onDrift,
        ...(args.disk === undefined ? {} : laterDisk(args.disk)),
        session: sessionArgs(config.session, outputs),
        ...(share === undefined ? {} : { share: { tag: SHARE_TAG, mount: config.share.mount } }),
        ...(machine.adopted ? {} : { own: ownGuest(config, access) }),
        ...(kernel === undefined ? {} : { kernel: kernel.decided }),
      },
      { parent: this, dependsOn: settled },
    );
    const readiness = new MirReadiness(
      `${name}-readiness`,
      {
        ...seen,
        ...{ gates: config.gates, ...card },
        ...(outputs.length === 0 ? {} : { outputs: outputs.map((o) => `${o.width}x${o.height}`) }),
        ...(config.session.cursor === "software" ? { cursor: "software" } : {}),
        ...(config.session.platform === "virtual" ? { platform: "virtual" } : {}),
        session: sinceChange(session.state),
        picture: join(labFolder(stack), config.name, "screen.png"),
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
      { parent: this, dependsOn: [...settled, contract] },
    );
    const console = new Console(
      `${name}-console`,
      { screen: machine.screen, access },
      { parent: this },
    );
    this.outputs = {
      sshCommand: access.target.apply((t) => shellLine(["ssh", "-F", t.config, t.alias])),
      spiceUri: console.spiceUri,
      viewerFile: console.viewerFile,
      screenshot: readiness.picture,
      report: readiness.picture.apply((file) => reportFile(dirname(file))),
      versions: readiness.facts.apply((f) => ({
        linux: f?.kernel ?? "unknown",
        mesa: f?.mesa ?? "unknown",
        mir: f?.mir ?? "unknown",
      })),
      acceleration: pulumi.interpolate`${machine.acceleration}: ${machine.reason}`,
      readiness: readiness.status,
      share: pulumi
        .output(share)
        .apply((p) => (p === undefined ? "none" : `${p} -> ${config.share.mount}`)),
    };
    this.registerOutputs({ ...this.outputs });
  }
}

/** A lab's own guest has a disk. */
function diskOf({ config, disk }: GuestArgs): RootDisk {
  if (disk === undefined) throw new Error(`${config.name}: has no root disk`);
  return disk;
}

function buildPlace({ config, host, stack }: GuestArgs): BuildPlace {
  const { cacheDir, buildCache } = host;
  return { ...buildCache, cacheDir, lab: stack, vcpus: config.vcpus, ...aptPart(host) };
}

/** What the first boot sets up and GuestContract keeps. */
function ownGuest({ name, diskGiB }: GuestConfig, access: GuestAccess): pulumi.Output<OwnGuest> {
  return access.clientPublicKey.apply((clientPublicKey) => ({
    ...{ hostname: name, user: GUEST_USER, groups: GUEST_GROUPS },
    ...{ clientPublicKey, diskGiB, packages: PICTURE_PACKAGES },
  }));
}

/** A connection into the guest that accepts the pinned host key only. */
function guestConnection(
  { config: { image }, inAgent, labHost: { connection: hop } }: GuestArgs,
  access: GuestAccess,
): Connection {
  if (hop?.proxy !== undefined) return { target: access.target, user: access.user };
  const byAgent = image.source === "existing" && inAgent?.has(image.ssh.privateKeyFile) === true;
  return {
    host: access.hostName,
    port: access.port,
    user: access.user,
    ...(byAgent ? { agentSocketPath: agentSocket() } : { privateKey: access.privateKey }),
    hostKey: access.hostPublicKey,
    perDialTimeout: 60,
    ...(hop === undefined ? {} : { proxy: hop }),
  };
}
