import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { labFolder } from "../../core/paths";
import { GuestConfig } from "../../config/schema";
import { recordedVideo } from "../../config/video";
import { AdoptedDomain } from "../domain/adopt/adoptedDomain.resource";
import { GuestArgs } from "./guestArgs.resource";
import { GuestAccess } from "../access/access.resource";
import { ports, screenOf, screenParts, sharePath } from "./guestOnHost.resource";
import { Machine } from "./machine.resource";
import { Target } from "../../core/target";
import { SHARE_TAG } from "../guest/share.resource";
import { guestNamed } from "../../core/labNames";

type ExistingConfig = Extract<GuestConfig["image"], { source: "existing" }>;

/** An existing virtual machine, reached with its owner's keys. */
export function adoptedMachine(
  name: string,
  args: GuestArgs,
  image: ExistingConfig,
  parent: pulumi.Resource,
): Machine {
  const { config, labHost, stack } = args;
  const after = { parent, dependsOn: labHost };
  const host: Target =
    image.connection === "session" ? { ...labHost.target, session: true } : labHost.target;
  const directory = join(labFolder(stack), config.name);
  const [spicePort = pulumi.output(0)] = ports(name, args, [config.spice.port ?? 0], after);
  const screen = spicePort.apply((port) => screenOf(args, port));
  const access = new GuestAccess(
    `${name}-access`,
    {
      directory,
      alias: guestNamed(stack, config.name),
      hostName: image.ssh.host,
      port: image.ssh.port,
      user: image.ssh.user,
      identityFile: image.ssh.privateKeyFile,
      hostKey: image.ssh.hostKey,
      screen,
      ...(labHost.jump === undefined ? {} : { jump: labHost.jump }),
    },
    { parent },
  );
  const share = sharePath(name, args, after);
  const domain = new AdoptedDomain(
    `${name}-vm`,
    {
      ...(host === undefined ? {} : { host }),
      domain: image.domain,
      stack,
      guest: config.name,
      directory,
      wantedAcceleration: config.acceleration,
      restart: image.restart,
      spice: screenParts(args, spicePort),
      video: recordedVideo(config.video),
      shareTag: SHARE_TAG,
      ...(share === undefined ? {} : { share: { path: share, readonly: config.share.readonly } }),
    },
    after,
  );
  return {
    ...{ host, access, screen, share, resource: domain },
    ...{ domainName: domain.domain, bootId: domain.bootId, acceleration: domain.acceleration },
    reason: domain.pending.apply((pending) =>
      pending === "" ? "as the domain has it" : `as the domain has it; it needs a ${pending}`,
    ),
    serialLog: "",
    adopted: true,
  };
}
