import { domainPolicy, guestList } from "./kit";

interface Config {
  readonly clipboard: readonly string[];
  readonly fileTransfer: readonly string[];
}

export const noClipboardOrFileTransfer = domainPolicy<Config>(
  {
    name: "no-clipboard-or-file-transfer",
    description:
      "A guest shares no clipboard and takes no files from a viewer, unless it is listed.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "A guest that reads the clipboard reads the passwords that pass through it.",
    remediationSteps:
      "Set guests[].spice.clipboard and fileTransfer to false (in a Domain of your own: <clipboard copypaste='no'/>, <filetransfer enable='no'/>), or list the guest.",
    config: {
      clipboard: guestList("Guests that may share the clipboard."),
      fileTransfer: guestList("Guests that may take files from the viewer."),
    },
  },
  ({ name, graphics }, report, config) => {
    for (const key of ["clipboard", "fileTransfer"] as const) {
      if (config[key].includes(name)) continue;
      if (!graphics.some((g) => g.type === "spice" && g[key])) continue;
      report({
        what: `guest '${name}'`,
        found: `SPICE's ${key} on`,
        need: "it off",
        fix: `set guests[].spice.${key} to false, or list '${name}' in ${key} of this policy`,
      });
    }
  },
);
