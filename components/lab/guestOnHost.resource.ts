/** The lab host's part of one guest: acceleration, ports, screen, share. */
import * as pulumi from "@pulumi/pulumi";
import { Acceleration } from "../../core/limits";
import { LOOPBACK, ScreenPlace, screenPlace } from "../../config/screen";
import { Screen } from "../access/viewer";
import { GuestArgs } from "./guestArgs.resource";
import { scriptCommand } from "../../core/scriptCommand.resource";

/** What runs the guest's instructions, and why. */
export interface Probed {
  readonly acceleration: Acceleration;
  readonly reason: string;
}

/** File on the host that receives the guest's serial console. */
export function serialLog({ host, stack, config }: GuestArgs): string {
  return `${host.dataDir}/${stack}/log/${config.name}.serial.log`;
}

/** The guest's acceleration: as configured, or as a probe guest proved. */
export function acceleration(
  name: string,
  { config, host, labHost, kvmTriggers }: GuestArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<Probed> {
  if (config.acceleration === "tcg") {
    return pulumi.output({ acceleration: "tcg", reason: "asked for by guests[].acceleration" });
  }
  const probe = scriptCommand(
    `${name}-acceleration`,
    labHost.connection,
    {
      ...{ script: "host/kvm-probe.sh", args: [host.cacheDir] },
      ...(kvmTriggers === undefined ? {} : { triggers: kvmTriggers }),
    },
    opts,
  );
  return probe.stdout.apply((text) => {
    const probed = JSON.parse(text) as Probed;
    if (config.acceleration === "kvm" && probed.acceleration !== "kvm") {
      throw new Error(
        `${config.name}: acceleration: found ${probed.reason}; need a working KVM; ` +
          `fix: repair KVM (npm run doctor -- --renew), or set guests[].acceleration to "auto"`,
      );
    }
    return probed;
  });
}

/** Reserved loopback ports on the lab host; a wish of 0: any free one. */
export function ports(
  name: string,
  { config, host, labHost, stack }: GuestArgs,
  wishes: readonly number[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<number>[] {
  const holder = `${stack}.${config.name}`;
  const reserved = scriptCommand(
    `${name}-ports`,
    labHost.connection,
    {
      script: "host/ports.sh",
      args: ["reserve", host.dataDir, holder, ...wishes.map(String)],
      deleteArgs: ["release", host.dataDir, holder],
    },
    opts,
  );
  return wishes.map((_, i) => reserved.stdout.apply((text) => Number(text.trim().split(" ")[i])));
}

/** The guest's screen, as a viewer sees it. */
export function screenOf({ config, host, stack }: GuestArgs, port: number): Screen {
  const { listen, tls } = config.spice;
  const any = listen === "0.0.0.0" || listen === "::";
  const address = any ? (host.ssh?.host ?? LOOPBACK) : listen;
  return {
    ...{ title: `Mir: ${config.name}`, port },
    ...(address === LOOPBACK ? {} : { address }),
    ...(tls ? { subject: `CN=mirlab ${stack} ${config.name}` } : {}),
  };
}

/** The display part of the domain's declaration. */
export function screenParts(
  { config, stack }: GuestArgs,
  port: pulumi.Output<number>,
): ScreenPlace & {
  readonly port: pulumi.Output<number>;
  readonly clipboard: boolean;
  readonly fileTransfer: boolean;
} {
  const { spice, name } = config;
  const { clipboard, fileTransfer } = spice;
  return { port, clipboard, fileTransfer, ...screenPlace(spice, stack, name) };
}

/** The share's folder on the host: the configured one, or one created for the guest. */
export function sharePath(
  name: string,
  { config, host, labHost, stack }: GuestArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> | undefined {
  if (!config.share.enabled) return undefined;
  if (config.share.path !== undefined) return pulumi.output(config.share.path);
  const own = [host.dataDir, stack, labHost.owner, config.name];
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
