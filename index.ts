/** The lab: what Pulumi.<stack>.yaml declares, on its host. */
import * as pulumi from "@pulumi/pulumi";
import { labOfStack } from "./components/config";
import { Guest } from "./components/guest";
import { LabHost } from "./components/labHost";
import { preflight } from "./components/preflight";
import { labOwner } from "./io/labOwner";
import { macAddress } from "./lib/mac";

export = async () => {
  const lab = labOfStack();
  const stack = pulumi.getStack();
  const { access, facts } = await preflight(lab, stack);

  const labHost = new LabHost("host", {
    host: lab.host,
    access,
    facts,
    stack,
    owner: labOwner(),
    guests: lab.guests,
    natGuests: lab.guests
      .filter((guest) => guest.network.mode === "nat")
      .map((guest) => ({ name: guest.name, mac: macAddress(stack, guest.name) })),
  });
  const guests = lab.guests.map((config) => {
    const guest = new Guest(config.name, { config, host: lab.host, labHost, stack });
    return [config.name, guest.outputs] as const;
  });
  /** By guest: how to reach it, what runs in it, and the picture of its screen. */
  return { guests: Object.fromEntries(guests) };
};
