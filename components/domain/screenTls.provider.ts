/** Provider of ScreenTls: puts a screen's certificate on the lab host, where QEMU reads it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { runOnHost } from "../../core/link.io";
import { SshTarget } from "../../core/target";
import { TLS_FILES } from "../access/screenCertificate.io";

export interface ScreenTlsInputs {
  readonly host?: SshTarget;
  /** Folder on the host. */
  readonly folder: string;
  /** Folder with the guest's keys on the machine that runs Pulumi. */
  readonly directory: string;
  /** SHA-256 of the certificate. */
  readonly certificate: string;
}

export interface ScreenTlsProps extends ScreenTlsInputs {
  /** Digest of the files and their owners on the host, as created. */
  readonly sha256: string;
  /** False when the files on the host have changed; an update recreates them. */
  readonly intact: boolean;
}

const pick = ({ host, folder, directory, certificate }: ScreenTlsInputs): ScreenTlsInputs => ({
  ...{ folder, directory, certificate },
  ...(host === undefined ? {} : { host }),
});

async function script(
  { host, folder }: ScreenTlsInputs,
  verb: "make" | "digest" | "remove",
  stdin?: string,
): Promise<string> {
  const options = stdin === undefined ? {} : { stdin };
  const result = await runOnHost(host, "screen-tls.sh", [verb, folder], options);
  if (result.code === 0) return result.stdout.toString().trim();
  const reason = result.stderr.trim() || (result.timedOut ? "no answer in 60 s" : "no message");
  throw new Error(`${folder}: ${reason}`);
}

/** Sends the files to the host. The key never gets into the state. */
async function make(inputs: ScreenTlsInputs): Promise<ScreenTlsProps> {
  const texts = await Promise.all(
    (["authority", "certificate", "key"] as const).map((name) =>
      readFile(join(inputs.directory, TLS_FILES[name]), "utf8"),
    ),
  );
  const sha256 = await script(inputs, "make", texts.map((text) => `${text}\0`).join(""));
  return { ...pick(inputs), sha256, intact: true };
}

export const provider: pulumi.dynamic.ResourceProvider<ScreenTlsInputs, ScreenTlsProps> = {
  async create(inputs) {
    return { id: inputs.folder, outs: await make(inputs) };
  },
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const found = await script(props, "digest");
    // A user without root's rights does not see whether they have changed.
    const intact = found === "unread" ? props.intact : found === props.sha256;
    return { id, props: { ...props, intact } };
  },
  async diff(_id, olds, news) {
    const moved = olds.folder !== news.folder;
    return {
      changes: !isDeepStrictEqual(pick(olds), pick(news)) || !olds.intact,
      replaces: moved ? ["folder"] : [],
      deleteBeforeReplace: true,
    };
  },
  async update(_id, _olds, news) {
    return { outs: await make(news) };
  },
  async delete(_id, props) {
    await script(props, "remove");
  },
};
