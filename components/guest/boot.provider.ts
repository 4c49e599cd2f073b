/** Handler of GuestBoot: waits until the guest answers and its first boot has finished. */
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { failWithEvidence } from "../report/evidence.io";
import { GuestBootInputs } from "./boot";
import { boot } from "./boot.io";

/** Waits for the boot. Writes a report if it fails: MirReadiness, which usually does, runs later. */
async function bootOrReport(inputs: GuestBootInputs): Promise<void> {
  await boot(inputs).catch(failWithEvidence(dirname(inputs.guest.config), inputs));
}

const pick = ({
  guest,
  host,
  domain,
  bootId,
  acceleration,
  serialLog,
  adopted,
}: GuestBootInputs) => ({
  ...{ guest, domain, bootId, acceleration, serialLog },
  ...(host === undefined ? {} : { host }),
  ...(adopted === undefined ? {} : { adopted }),
});

export const provider: pulumi.dynamic.ResourceProvider<GuestBootInputs, GuestBootInputs> = {
  async create(inputs) {
    await bootOrReport(inputs);
    return { id: inputs.bootId, outs: pick(inputs) };
  },
  async diff(_id, olds, news) {
    return { changes: !isDeepStrictEqual(pick(olds), pick(news)) };
  },
  async update(_id, _olds, news) {
    await bootOrReport(news);
    return { outs: pick(news) };
  },
};
