import { domainPolicy, guestList } from "./kit";

interface Config {
  readonly clipboard: readonly string[];
  readonly fileTransfer: readonly string[];
}

export const noClipboardOrFileTransfer = domainPolicy<Config>(
  {
    name: "no-clipboard-or-file-transfer",
    description:
      "A guest shares no clipboard and takes no files from a viewer, unless it is named.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "A guest that reads the clipboard reads the passwords that pass through it.",
    remediationSteps:
      "Set guests[].spice.clipboard and fileTransfer to false (a Domain of your own: <clipboard copypaste='no'/>, <filetransfer enable='no'/>), or name the guest.",
    config: {
      clipboard: guestList("Guests that may share the clipboard."),
      fileTransfer: guestList("Guests that may take files from the viewer."),
    },
  },
  ({ name, graphics }, report, config) => {
    for (const key of ["clipboard", "fileTransfer"] as const) {
      if (config[key].includes(name)) continue;
      if (!graphics.some((g) => g.type === "spice" && g[key])) continue;
      report(
        `The guest '${name}' must not have SPICE's ${key}, found it on; ` +
          `set guests[].spice.${key} to false, or name '${name}' in ${key} of this policy.`,
      );
    }
  },
);
