/** The program of the unguarded side: the same domains, by the published provider's own resource. */
import { readFileSync } from "node:fs";
import * as libvirt from "@pulumi/libvirt";
import { Values } from "./side";

const provider = new libvirt.Provider("libvirt", { uri: "qemu:///system" });

for (const { spec, xslt } of JSON.parse(readFileSync("values.json", "utf8")) as Values[]) {
  new libvirt.Domain(
    spec.name,
    {
      ...{ name: spec.name, type: spec.type, machine: "q35" },
      ...{ memory: spec.memoryMiB, vcpu: spec.vcpus, running: true, autostart: false },
      bootDevices: [{ devs: ["hd"] }],
      disks: [{ volumeId: spec.disk }, { file: spec.seed }],
      filesystems: [
        {
          ...{ source: spec.share?.path ?? "", target: spec.share?.tag ?? "" },
          ...{ accessmode: "mapped", readonly: false },
        },
      ],
      consoles: [{ type: "pty", targetPort: "0", targetType: "serial" }],
      graphics: {
        ...{ type: "spice", autoport: false, listenType: "address", listenAddress: "127.0.0.1" },
      },
      video: { type: "qxl" },
      // The provider has no attributes for video memory, the port, channels, inputs and forwards.
      xml: { xslt },
    },
    // Without it a replacement ends with "domain already exists".
    { provider, deleteBeforeReplace: true },
  );
}
