import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { labFolder } from "../../core/paths";
import { GUEST_USER } from "../domain/cloudInit";
import { aptPart } from "../host/aptSettings";
import { natGateway } from "../host/natNetwork";
import { DOMAIN_TYPE } from "../../core/limits";
import { macAddress } from "../domain/mac";
import { GUEST_PACKAGES } from "../host/packages";
import { tlsFolder } from "../../config/screen";
import { withSessionPackages } from "../../config/session";
import { recordedVideo } from "../../config/video";
import { RootDisk } from "../image/rootDisk";
import { GuestArgs } from "./guestArgs.resource";
import { GuestAccess } from "../access/access.resource";
import { GuestImage, ImageConfig } from "../image/image.resource";
import {
  acceleration,
  ports,
  screenOf,
  screenParts,
  serialLog,
  sharePath,
} from "./guestOnHost.resource";
import { Machine } from "./machine.resource";
import { MirDomain } from "../domain/mirDomain.resource";
import { ScreenTls } from "../domain/screenTls.resource";
import { SHARE_TAG } from "../guest/share.resource";
import { guestNamed } from "../../core/labNames";

/** A virtual machine created from an image, with the lab's keys in it. */
export function newMachine(
  name: string,
  args: GuestArgs,
  imageConfig: ImageConfig,
  disk: RootDisk,
  parent: pulumi.Resource,
): Machine {
  const { config, host, labHost, stack } = args;
  const after = { parent, dependsOn: labHost };
  const probed = acceleration(name, args, after);
  const wishes = [config.network.sshPort ?? 0, config.spice.port ?? 0];
  const [sshPort = pulumi.output(0), spicePort = pulumi.output(0)] = ports(
    name,
    args,
    wishes,
    after,
  );
  const screen = spicePort.apply((port) => screenOf(args, port));
  const access = new GuestAccess(
    `${name}-access`,
    {
      directory: join(labFolder(stack), config.name),
      alias: guestNamed(stack, config.name),
      user: GUEST_USER,
      screen,
      ...(config.network.mode === "nat"
        ? { hostName: labHost.addresses.get(config.name) ?? "", port: 22 }
        : { hostName: "127.0.0.1", port: sshPort }),
      ...(labHost.jump === undefined ? {} : { jump: labHost.jump }),
    },
    { parent },
  );
  const share = sharePath(name, args, after);
  const apt = aptPart(host);
  const image = new GuestImage(
    `${name}-image`,
    {
      connection: labHost.connection,
      cacheDir: host.cacheDir,
      image: imageConfig,
      ...{ diskGiB: config.diskGiB, disk, ...apt },
      acceleration: probed.apply((found) => found.acceleration),
    },
    after,
  );
  const packages =
    "suite" in imageConfig ? [] : withSessionPackages(GUEST_PACKAGES, config.session);
  const network = config.network.mode === "nat" ? labHost.network : undefined;
  const certificate = config.spice.tls
    ? new ScreenTls(
        `${name}-screen-tls`,
        {
          ...(labHost.target === undefined ? {} : { host: labHost.target }),
          folder: tlsFolder(stack, config.name),
          directory: access.directory,
          certificate: access.certificate.apply((sha256) => sha256 ?? ""),
        },
        after,
      )
    : undefined;
  const { domain } = new MirDomain(
    `${name}-vm`,
    {
      provider: labHost.provider,
      host: labHost.target,
      pool: labHost.pool,
      poolPath: labHost.poolPath,
      disk,
      backing: image.backing,
      diskGiB: config.diskGiB,
      onDrift: config.onDrift,
      firstBoot: {
        hostname: config.name,
        directory: access.directory,
        clientPublicKey: access.clientPublicKey,
        hostPublicKey: access.hostPublicKey,
        packages,
        ...(network === undefined ? {} : { gateway: natGateway(host.natSubnet) }),
        ...apt,
      },
      spec: {
        name: guestNamed(stack, config.name),
        stack,
        guest: config.name,
        type: probed.apply((found) => DOMAIN_TYPE[found.acceleration]),
        memoryMiB: config.memoryMiB,
        vcpus: config.vcpus,
        mac: macAddress(stack, config.name),
        serialLog: serialLog(args),
        video: recordedVideo(config.video),
        spice: screenParts(args, spicePort),
        network:
          network === undefined
            ? { mode: "user", sshPort, ...(config.network.outbound ? {} : { closed: true }) }
            : { mode: "nat", name: network },
        ...(share === undefined
          ? {}
          : { share: { path: share, tag: SHARE_TAG, readonly: config.share.readonly } }),
        // Unset where it is off, as in the state of an earlier version.
        ...(config.autostart ? { autostart: true } : {}),
      },
    },
    certificate === undefined ? after : { parent, dependsOn: [labHost, certificate] },
  );
  return {
    ...{ host: labHost.target, access, screen, share, resource: domain },
    ...{ domainName: domain.name, bootId: domain.bootId },
    acceleration: probed.apply((p) => p.acceleration),
    reason: probed.apply((p) => p.reason),
    serialLog: serialLog(args),
    adopted: false,
  };
}
