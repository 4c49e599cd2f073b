/** The program: creates the lab that Pulumi.<stack>.yaml declares. */
import { labOfStack } from "./components/lab/stackConfig.resource";
import { Guest } from "./components/lab/guest.resource";
import { LabHost } from "./components/host/labHost.resource";
import { preflight } from "./components/lab/preflight.resource";
import { labOwner } from "./components/lab/owner.io";
import { kvmTriggers } from "./components/lab/recorded";
import { labFromState, labOnDisks } from "./components/lab/recorded.resource";
import { macAddress } from "./components/domain/mac";

export = async () => {
  const lab = labOfStack();
  const fromState = await labFromState(lab);
  const { name: stack, recorded } = fromState;
  const { access, facts, inAgent, kvm } = await preflight(lab, stack);
  const disks = await labOnDisks(lab, fromState, access.target, facts.defined);

  const labHost = new LabHost("host", {
    host: lab.host,
    access,
    facts,
    stack,
    owner: labOwner(),
    guests: lab.guests,
    disks,
    natGuests: lab.guests
      .filter((guest) => guest.network.mode === "nat")
      .map((guest) => ({ name: guest.name, mac: macAddress(stack, guest.name) })),
  });
  const guests = lab.guests.map((config) => {
    const disk = disks.get(config.name);
    const triggers = kvmTriggers(recorded.accelerations.get(config.name), kvm?.acceleration);
    const own = {
      ...(disk === undefined ? {} : { disk }),
      ...(triggers === undefined ? {} : { kvmTriggers: triggers }),
    };
    const guest = new Guest(config.name, {
      config,
      host: lab.host,
      labHost,
      stack,
      inAgent,
      ...own,
    });
    return [config.name, guest.outputs] as const;
  });
  /** By guest: how to reach it, what runs in it, and the picture of its screen. */
  return { guests: Object.fromEntries(guests) };
};
