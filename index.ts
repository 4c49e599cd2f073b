/** The lab: what Pulumi.<stack>.yaml declares, on its host. */
import * as pulumi from "@pulumi/pulumi";
import { labOfStack } from "./components/config";
import { Guest } from "./components/guest";
import { LabHost } from "./components/labHost";
import { macAddress } from "./lib/mac";

const lab = labOfStack();
const stack = pulumi.getStack();

const labHost = new LabHost("host", {
  host: lab.host,
  stack,
  natGuests: lab.guests
    .filter((guest) => guest.network.mode === "nat")
    .map((guest) => ({ name: guest.name, mac: macAddress(stack, guest.name) })),
});

/** By guest: how to reach it, what runs in it, and the picture of its screen. */
export const guests = Object.fromEntries(
  lab.guests.map((config) => {
    const guest = new Guest(config.name, { config, host: lab.host, labHost, stack });
    return [config.name, guest.outputs];
  }),
);
