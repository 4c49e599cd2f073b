import * as pulumi from "@pulumi/pulumi";
import { HostConfig } from "../../config/schema";
import { HOST_PACKAGES, packageArgs, VIEWER_PACKAGES } from "./packages";
import { Connection, scriptCommand } from "../../core/scriptCommand.resource";

export interface HostPackagesArgs {
  readonly connection: Connection;
  /** Install what is missing, or only name it and fail. */
  readonly mode: HostConfig["packages"];
  /** Whose QEMU. @default the release's */
  readonly qemu?: HostConfig["qemu"];
  /** Also the desktop viewers. @default false */
  readonly viewers?: boolean;
}

/**
 * The page's "apt-get install": installs missing packages, leaves installed ones as they are, and
 * starts libvirt's daemon. It never removes a package.
 */
export class HostPackages extends pulumi.ComponentResource {
  /** Resolves when libvirt answers. */
  readonly ready: pulumi.Output<string>;

  constructor(name: string, args: HostPackagesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:HostPackages", name, {}, opts);
    const wanted = [...HOST_PACKAGES, ...(args.viewers === true ? VIEWER_PACKAGES : [])];
    const names = wanted.map((p) => p.name);
    const verb = args.mode === "install" ? "install" : "require";
    const packages = scriptCommand(
      `${name}-installed`,
      args.connection,
      { script: "host/packages.sh", args: packageArgs(verb, names, args.qemu) },
      { parent: this },
    );
    const libvirtd = scriptCommand(
      `${name}-libvirtd`,
      args.connection,
      { script: "host/libvirtd.sh", args: ["start"], deleteArgs: ["stop"] },
      { parent: this, dependsOn: packages },
    );
    this.ready = libvirtd.stdout;
    this.registerOutputs({ ready: this.ready });
  }
}
