// A guest as scripts/guest/observe.py reports it, and the contract that it meets.
import { GuestContract, readWritten, Written } from "../../components/guest/contract";
import { GuestObservation, readGuestObservation } from "../../components/guest/observation";
import { fixture } from "./support";

export const OBSERVED = fixture("observe.debian-12.linux-6.1.0-56.mesa-22.3.6.json");

export const CONTRACT: GuestContract = {
  session: [],
  share: { tag: "share", mount: "/mnt/share" },
  own: {
    ...{ hostname: "mir", user: "mir", groups: ["video", "render", "input"] },
    clientPublicKey:
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHprUUkNE87yKwdXgjVpbKpBtsVnmktviXXlda3GQJzf mirlab",
    diskGiB: 12,
    packages: ["libgbm1", "libgl1-mesa-dri"],
  },
};

type Changed = { -readonly [K in keyof GuestObservation]: GuestObservation[K] };

/** The look of the fixture, with changes. */
export function observed(change: (look: Changed) => void = () => undefined): GuestObservation {
  const look: Changed = readGuestObservation(OBSERVED);
  change(look);
  return look;
}

/** The written files of the fixture, so that the fixture's guest matches them. */
export function writtenThen(): Written {
  const { session, share } = observed();
  const lines = (files: GuestObservation["session"]): string =>
    (files ?? []).map((f) => `${f.mode} ${f.sha256 ?? ""} ${f.path}\n`).join("");
  return { session: readWritten(lines(session)), share: readWritten(lines(share)) };
}
