/** Changes of a guest's domain, each with the tool that a person would use. */
import { VideoModel } from "../../config/video";
import { Mutation } from "./run";

const DOMAIN = '"mirlab-$STACK-$GUEST"';
const VIRSH = "virsh --quiet --connect qemu:///system";

/** Edits the persistent definition, as `virsh edit` does. */
const edit = (id: string, from: string, to: string, item: string, batch = 0): Mutation => ({
  id,
  batch,
  item: `mirlab-$STACK-$GUEST: ${item}`,
  mutate: [
    `xml=$(${VIRSH} dumpxml --inactive --security-info ${DOMAIN})
     new=$(node -e 'const [from, to] = process.argv.slice(1)
       process.stdout.write(fs.readFileSync(0, "utf8").replace(new RegExp(from), to))' "$1" "$2" <<<"$xml")
     [[ $new != "$xml" ]] || { echo "nothing to edit: $1" >&2; exit 1; }
     ${VIRSH} define /dev/stdin <<<"$new"`,
    from,
    to,
  ],
});

/** Changes only the running domain. */
const live = (
  id: string,
  commands: string,
  item: string,
  more: Partial<Mutation> = {},
): Mutation => ({
  id,
  item: `mirlab-$STACK-$GUEST: ${item}`,
  mutate: commands.replaceAll("virsh ", `${VIRSH} `),
  ...more,
});

/** Of a card that is QXL, the sizes of its memories. */
const QXL_SIZES: readonly Mutation[] = [
  edit(
    "video-vgamem",
    "vgamem='16384'",
    "vgamem='8192'",
    "video/model.vgamem: declared 16384, persistent 8192",
  ),
  edit(
    "video-ram",
    " ram='65536'",
    " ram='32768'",
    "video/model.ram: declared 65536, persistent 32768",
  ),
  edit(
    "video-vram",
    "vram='65536'",
    "vram='32768'",
    "video/model.vram: declared 65536, persistent 32768",
  ),
];

/** Another model of card than the declared one. */
const otherCard = (declared: VideoModel, other: string, rest: string, batch: number): Mutation =>
  edit(
    `video-${other}`,
    `<model type='${declared}'[^>]*>`,
    `<model type='${other}' ${rest}heads='1' primary='yes'/>`,
    `video/model.type: declared ${declared}, persistent ${other}`,
    batch,
  );

/** Of each card: the graphics of Mir's page first, since no other tool sees their changes. */
const OF_EACH: readonly Mutation[] = [
  edit("video-heads", "heads='1'", "heads='2'", "video/model.heads: declared 1, persistent 2"),
  edit(
    "graphics-vnc",
    // libvirt refuses SPICE's channel and sound without SPICE graphics.
    "<channel type='spicevmc'>[^]*?</channel>([^]*?)<graphics type='spice'[^]*?</graphics>([^]*?)type='spice'",
    "$1<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>$2type='none'",
    "graphics[spice]: declared present, persistent absent",
    1,
  ),
  edit(
    "graphics-open",
    "listen='127.0.0.1'([^>]*)>\\s*<listen type='address' address='127.0.0.1'/>",
    "listen='0.0.0.0'$1><listen type='address' address='0.0.0.0'/>",
    "graphics[spice]/listen.address: declared 127.0.0.1, persistent 0.0.0.0",
  ),
  edit(
    "graphics-port",
    "port='\\d+' autoport='no'",
    "port='-1' autoport='yes'",
    "graphics[spice].autoport: declared no, persistent yes",
    2,
  ),
  edit(
    "graphics-clipboard",
    "copypaste='no'",
    "copypaste='yes'",
    "graphics[spice]/clipboard.copypaste: declared no, persistent yes",
  ),
  edit(
    "graphics-files",
    "filetransfer enable='no'",
    "filetransfer enable='yes'",
    "graphics[spice]/filetransfer.enable: declared no, persistent yes",
  ),
  edit(
    "graphics-password",
    "<graphics type='spice'([^>]*?) passwd='[^']*'",
    "<graphics type='spice'$1 passwd='x'",
    "graphics[spice].passwd: declared the lab's ticket, persistent another",
  ),
  edit(
    "graphics-compression",
    "image compression='off'",
    "image compression='lz'",
    "graphics[spice]/image.compression: declared off, persistent lz",
  ),
  edit(
    "channel-spice",
    "<channel type='spicevmc'>[^]*?</channel>",
    "",
    "channel[com.redhat.spice.0]: declared present, persistent absent",
  ),
  edit(
    "channel-agent",
    "<channel type='unix'>[^]*?</channel>",
    "",
    "channel[org.qemu.guest_agent.0]: declared present, persistent absent",
    0,
  ),
  edit(
    "input-tablet",
    "<input type='tablet'[^]*?</input>",
    "",
    "input[tablet-usb]: declared present, persistent absent",
  ),
  edit(
    "share-removed",
    "<filesystem[^]*?</filesystem>",
    "",
    "filesystem[share]: declared present, persistent absent",
    2,
  ),
  edit(
    "share-passthrough",
    "accessmode='mapped'",
    "accessmode='passthrough'",
    "filesystem[share].accessmode: declared mapped, persistent passthrough",
    1,
  ),
  edit(
    "share-readonly",
    "<target dir='share'/>",
    "<target dir='share'/><readonly/>",
    "filesystem[share]/readonly: declared absent, persistent present",
  ),
  edit(
    "share-source",
    "(<filesystem[^]*?<source dir=')[^']*",
    "$1/srv",
    "filesystem[share]/source.dir: declared",
  ),
  edit(
    "memory",
    "<memory unit='KiB'>\\d+",
    "<memory unit='KiB'>4194304",
    "memory: declared 2097152 KiB, persistent 4194304 KiB",
  ),
  edit("vcpus", "(<vcpu[^>]*>)\\d+", "$11", "vcpu: declared 2, persistent 1"),
  edit(
    "boot-order",
    "<boot dev='hd'/>",
    "<boot dev='network'/>",
    "os/boot.dev: declared hd, persistent network",
  ),
  edit("machine", "machine='pc-q35-[^']*'", "machine='pc-q35-6.2'", "os/type.machine: declared"),
  edit("acpi", "<acpi/>", "", "features/acpi: declared present, persistent absent"),
  edit(
    "on-crash",
    "<on_crash>preserve",
    "<on_crash>destroy",
    "on_crash: declared preserve, persistent destroy",
  ),
  edit(
    "disk-cache",
    "(<driver name='qemu' type='qcow2')",
    "$1 cache='unsafe'",
    "disk[vda]/driver.cache: declared absent, persistent unsafe",
  ),
  edit(
    "disk-more",
    "(<controller type='usb')",
    "<disk type='file' device='disk'><source file='/dev/null'/><target dev='vdz' bus='virtio'/></disk>$1",
    "disk[vdz]: declared absent, persistent present",
  ),
  edit(
    "seed-medium",
    "(<disk type='file' device='cdrom'>[^]*?)<source[^>]*/>",
    "$1",
    "disk[sda]/source.file: declared",
    1,
  ),
  edit("serial-log", "<log file='[^']*' append='on'/>", "", "serial/log.file: declared"),
  edit(
    "nic-forward",
    "hostfwd=tcp:127.0.0.1:",
    "hostfwd=tcp:0.0.0.0:",
    "qemu:commandline/qemu:arg[1].value: declared",
  ),
  edit(
    "mark",
    "<mirlab:guest>[^<]*",
    "<mirlab:guest>another",
    "metadata/mirlab:owner/mirlab:guest: declared",
    1,
  ),
  edit(
    "description",
    "<memory ",
    "<description>mine</description><memory ",
    "description: declared absent, persistent mine",
  ),
  edit("watchdog", "(<memballoon)", "<watchdog model='i6300esb' action='reset'/>$1", "watchdog"),
  live("autostart", `virsh autostart ${DOMAIN}`, "autostart: declared disable, persistent enable"),
  live(
    "balloon",
    `virsh setmem ${DOMAIN} 1900M --live`,
    "currentMemory: declared 2097152 KiB, persistent 2097152 KiB, live 1945600 KiB",
  ),
  live(
    "plugged-mouse",
    `virsh attach-device ${DOMAIN} --live /dev/stdin <<<"<input type='mouse' bus='usb'/>"`,
    "input[mouse-usb]: declared absent, persistent absent, live present",
  ),
  live(
    "ejected-seed",
    `virsh change-media ${DOMAIN} sda --eject --force --live`,
    "disk[sda]/source.file: declared",
  ),
  live(
    "undefined",
    `virsh undefine ${DOMAIN}`,
    "definition: declared persistent, persistent absent",
    { apart: true },
  ),
  live("suspended", `virsh suspend ${DOMAIN}`, "state: declared running, found paused (user)", {
    apart: true,
  }),
  live(
    "switched-off",
    `virsh destroy ${DOMAIN}`,
    "state: declared running, found shut off (destroyed)",
    { apart: true },
  ),
  live(
    "snapshot-overlay",
    `virsh snapshot-create-as ${DOMAIN} drift --disk-only --no-metadata --diskspec sda,snapshot=no`,
    "disk[vda]/source.file: declared",
    {
      refused: true,
      restore: `${VIRSH} blockcommit ${DOMAIN} vda --active --pivot --wait; rm -f "$DATA/$STACK/pool/"*.drift`,
    },
  ),
];

/** The mutations of a guest whose card is of this model. */
export const domainMutations = (model: VideoModel): readonly Mutation[] => [
  otherCard(model, "cirrus", "vram='16384' ", 1),
  otherCard(model, model === "virtio" ? "bochs" : "virtio", "", 2),
  ...(model === "qxl" ? QXL_SIZES : []),
  ...OF_EACH,
];
