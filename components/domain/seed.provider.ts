/** Provider of GuestSeed: the disk with a guest's first-boot documents. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { metaData, userData } from "./cloudInit";
import { ACCESS_FILES } from "../access/access.provider";
import { aptEnvironment } from "../host/aptSettings";
import { runOnHost } from "../../core/link.io";
import { SshTarget } from "../../core/target";

export interface GuestSeedInputs {
  readonly host?: SshTarget;
  /** Folder of the lab's storage pool on the host. */
  readonly folder: string;
  /** Start of the file's name; a hash of the content follows. */
  readonly name: string;
  /** Host name of the guest. */
  readonly hostname: string;
  /** Folder with the guest's keys on the machine that runs Pulumi. */
  readonly directory: string;
  readonly clientPublicKey: string;
  readonly hostPublicKey: string;
  /** Debian packages for the first boot. */
  readonly packages: readonly string[];
  /** The host as the guest sees it, for a proxy on the host's loopback; unset: QEMU's 10.0.2.2. */
  readonly gateway?: string;
  /** The way to Debian's archives (aptSettings.ts); unset: the host's own. */
  readonly apt?: string;
}

export interface GuestSeedProps extends GuestSeedInputs {
  /** Path of the image on the host. */
  readonly path: string;
  /** SHA-256 of the image as created, hex. */
  readonly sha256: string;
  /** False when the image has changed or is missing; an update recreates it. */
  readonly intact: boolean;
}

const pick = (i: GuestSeedInputs): GuestSeedInputs => {
  const { folder, name, hostname, directory, clientPublicKey, hostPublicKey, packages } = i;
  return {
    ...{ folder, name, hostname, directory, clientPublicKey, hostPublicKey, packages },
    ...(i.host === undefined ? {} : { host: i.host }),
    ...(i.gateway === undefined ? {} : { gateway: i.gateway }),
    ...(i.apt === undefined ? {} : { apt: i.apt }),
  };
};

async function seedScript(
  inputs: GuestSeedInputs,
  verb: "make" | "digest" | "remove",
  path: string,
  stdin?: string,
): Promise<string> {
  const more = verb === "make" && inputs.gateway !== undefined ? [inputs.gateway] : [];
  const result = await runOnHost(inputs.host, "seed.sh", [verb, path, ...more], {
    ...(stdin === undefined ? {} : { stdin }),
    settings: aptEnvironment(inputs.apt),
  });
  if (result.code !== 0) {
    const reason = result.stderr.trim() || (result.timedOut ? "no answer in 60 s" : "no message");
    throw new Error(`${inputs.hostname}: seed: ${reason}`);
  }
  return result.stdout.toString().trim();
}

/** Creates the image on the host. The private host key never gets into the state. */
async function make(inputs: GuestSeedInputs): Promise<GuestSeedProps> {
  const hostPrivateKey = await readFile(join(inputs.directory, ACCESS_FILES.host), "utf8");
  const { hostname, clientPublicKey, hostPublicKey, packages } = inputs;
  const user = userData({ hostname, clientPublicKey, hostPrivateKey, hostPublicKey, packages });
  const meta = metaData(hostname, user);
  // Other content gets another file name, and so changes the definition.
  const hash = createHash("sha256").update(meta).digest("hex").slice(0, 12);
  const path = `${inputs.folder}/${inputs.name}-${hash}.iso`;
  const sha256 = await seedScript(inputs, "make", path, `${user}\0${meta}\0`);
  return { ...pick(inputs), path, sha256, intact: true };
}

export const provider: pulumi.dynamic.ResourceProvider<GuestSeedInputs, GuestSeedProps> = {
  async create(inputs) {
    const outs = await make(inputs);
    return { id: outs.path, outs };
  },
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const sha256 = await seedScript(props, "digest", props.path);
    // A user without root's rights does not see whether it has changed.
    const intact = props.intact && (sha256 === props.sha256 || sha256 === "unread");
    return { id, props: { ...props, intact } };
  },
  async diff(_id, olds, news) {
    // The keys' folder and the ways to the host and the archives are not part of the documents.
    const others = { host: null, directory: null, apt: null };
    const content = (i: GuestSeedInputs): object => ({ ...pick(i), ...others });
    return {
      changes: !isDeepStrictEqual(pick(olds), pick(news)) || !olds.intact,
      replaces: isDeepStrictEqual(content(olds), content(news)) ? [] : ["name"],
      deleteBeforeReplace: true,
    };
  },
  async update(_id, _olds, news) {
    return { outs: await make(news) };
  },
  async delete(_id, props) {
    await seedScript(props, "remove", props.path);
  },
};
