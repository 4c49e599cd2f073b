import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ACCESS_FILES, GuestAccessInputs } from "./access.provider";
import { SshTarget } from "../../core/target";
import { DynamicResource } from "../../core/dynamic.resource";

export interface GuestAccessArgs {
  /** Folder for keys and SSH configuration on the machine that runs Pulumi. */
  readonly directory: pulumi.Input<string>;
  /** `Host` alias of the guest in its SSH configuration. */
  readonly alias: pulumi.Input<string>;
  readonly hostName: pulumi.Input<string>;
  /** TCP port of the guest's sshd as seen from the lab host. */
  readonly port: pulumi.Input<number>;
  readonly user: pulumi.Input<string>;
  readonly identityFile?: pulumi.Input<string>;
  readonly hostKey?: pulumi.Input<string>;
  readonly jump?: GuestAccessInputs["jump"];
  readonly screen: pulumi.Input<GuestAccessInputs["screen"]>;
}

/**
 * The keys of one guest: the lab's client key and the guest's SSH host key, both generated here with
 * mode 0600, so that no connection is trusted on first use. Private halves stay in files; the state has
 * the public ones.
 */
export class GuestAccess extends DynamicResource {
  declare readonly directory: pulumi.Output<string>;
  declare readonly alias: pulumi.Output<string>;
  declare readonly hostName: pulumi.Output<string>;
  declare readonly port: pulumi.Output<number>;
  declare readonly user: pulumi.Output<string>;
  declare readonly identityFile: pulumi.Output<string | undefined>;
  declare readonly clientPublicKey: pulumi.Output<string>;
  declare readonly hostPublicKey: pulumi.Output<string>;
  declare readonly certificate: pulumi.Output<string | undefined>;

  constructor(name: string, args: GuestAccessArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      clientPublicKey: undefined,
      hostPublicKey: undefined,
      certificate: undefined,
      intact: undefined,
    };
    super("guestAccess", "GuestAccess", name, { ...args, ...outputs }, opts);
  }

  /** How scripts reach the guest. */
  get target(): pulumi.Output<SshTarget> {
    return pulumi
      .all([this.directory, this.alias, this.user, this.hostPublicKey])
      .apply(([directory, alias, user]) => ({
        config: join(directory, ACCESS_FILES.config),
        alias,
        ...(user === "root" ? { root: true } : {}),
      }));
  }

  /** Path of the guest's file for `remote-viewer`. */
  get viewerFile(): pulumi.Output<string> {
    return pulumi
      .all([this.directory, this.hostPublicKey])
      .apply(([directory]) => join(directory, ACCESS_FILES.viewer));
  }

  /** The lab's private key for this guest. Secret. */
  get privateKey(): pulumi.Output<string> {
    return this.secretFile((directory) => join(directory, ACCESS_FILES.client));
  }

  /** The guest's private host key, for its first boot. Secret. */
  get hostPrivateKey(): pulumi.Output<string> {
    return this.secretFile((directory) => join(directory, ACCESS_FILES.host));
  }

  private secretFile(path: (directory: string) => string): pulumi.Output<string> {
    const text = pulumi
      .all([this.directory, this.identityFile, this.hostPublicKey])
      .apply(([directory, identityFile]) => {
        const file = identityFile ?? path(directory);
        // `up` regenerates a lost key, so its preview must not fail.
        if (pulumi.runtime.isDryRun() && !existsSync(file)) return "";
        return readFileSync(file, "utf8");
      });
    return pulumi.secret(text);
  }
}
