import * as pulumi from "@pulumi/pulumi";
import { ScreenTlsInputs } from "./screenTls.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** See ScreenTlsInputs for what each means. */
export type ScreenTlsArgs = {
  readonly [K in keyof ScreenTlsInputs]: pulumi.Input<ScreenTlsInputs[K]>;
};

/**
 * The certificate of a guest's screen on its host. QEMU reads it at the guest's start: a new one is
 * used after the next power cycle.
 */
export class ScreenTls extends DynamicResource {
  constructor(name: string, args: ScreenTlsArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { sha256: undefined, intact: undefined };
    super("screenTls", "ScreenTls", name, { ...args, ...outputs }, opts);
  }
}
