/** Labs that use every key of the configuration once: docs/configuration.md shows their values. Pure. */

const SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7x0sV2mVbL0r1gQ5xv3r0kq1Wf0m7uQyq2n8lD3cTe";

/** Raw values of the keys `host` and `guests`, as a person writes them. Each lab is valid. */
export const EXAMPLES: readonly Readonly<Record<string, unknown>>[] = [
  {
    host: {
      ssh: {
        host: "lab1.example.org",
        port: 2222,
        user: "ann",
        privateKeyFile: "/home/ann/.ssh/id_ed25519",
        hostKey: HOST_KEY,
        jump: { host: "gate.example.org", port: 2222, hostKey: HOST_KEY },
      },
      dataDir: "/srv/mirlab",
      cacheDir: "/srv/mirlab-cache",
      natSubnet: "10.20.30.0/24",
      viewers: true,
      packages: "check",
      qemu: "backports",
      memory: "overcommit",
      apt: {
        proxy: "http://proxy.example.org:3128",
        mirror: "http://mirror.example.org/debian",
        securityMirror: "http://mirror.example.org/debian-security",
        validUntil: "ignore",
      },
      buildCache: { sizeGiB: 40, warm: "always", distcc: [{ port: 3633, jobs: 8 }] },
      onDrift: "report",
    },
    guests: [
      {
        name: "mir",
        vcpus: 4,
        memoryMiB: 4096,
        diskGiB: 40,
        autostart: true,
        acceleration: "kvm",
        video: { model: "qxl", ramKiB: 131072, vramKiB: 131072, vgamemKiB: 65536 },
        spice: { port: 5930, listen: "0.0.0.0", tls: true, clipboard: true, fileTransfer: true },
        network: { outbound: false, mode: "user", sshPort: 2201 },
        share: { enabled: true, path: "/home/ann/mir", mount: "/mnt/mir", readonly: true },
        session: {
          kind: "demo",
          console: "logind",
          command: ["miral-kiosk", "--platform-display-libs=mir:gbm-kms"],
          client: ["foot"],
        },
        kernel: {
          source: "build",
          when: "always",
          build: {
            source: { package: "linux-source-6.12", suite: "bookworm-security" },
            base: "running",
            fragments: ["/home/ann/qxl.config"],
            patches: [{ file: "/home/ann/qxl.patch", sha256: SHA256 }],
            jobs: 4,
          },
        },
        mesa: {
          source: "build",
          when: "always",
          build: {
            source: { package: "mesa", suite: "bookworm" },
            suite: "bookworm",
            renderer: "llvmpipe",
            patches: [{ file: "/home/ann/llvmpipe.patch", sha256: SHA256 }],
            jobs: 2,
          },
        },
        image: {
          source: "debian",
          suite: "bookworm",
          packages: ["strace"],
          apt: {
            sources: [
              {
                uri: "https://archive.example.org/mir",
                suite: "bookworm",
                components: ["main"],
                key: {
                  file: "/home/ann/mir.asc",
                  fingerprint: "0123456789ABCDEF".repeat(3).slice(8),
                },
                priority: 600,
              },
            ],
          },
        },
        onDrift: "restart-at-next-boot",
        gates: { kernel: ">= 6.1", mesa: ">= 22.3" },
      },
    ],
  },
  {
    guests: [
      {
        name: "cloud",
        image: {
          source: "url",
          url: "https://cloud.example.org/debian-12-generic-amd64.qcow2",
          digest: `sha256:${SHA256}`,
          format: "raw",
        },
        kernel: {
          source: "package",
          package: { suite: "bookworm-backports", name: "linux-image-cloud-amd64" },
        },
        mesa: { source: "package", package: { suite: "bookworm-backports" } },
      },
      {
        name: "installed",
        image: {
          source: "iso",
          url: "https://cdimage.example.org/debian-13.2.0-amd64-netinst.iso",
          digest: `sha256:${SHA256}`,
        },
      },
      {
        name: "byhand",
        image: {
          ...{ source: "iso", file: "/srv/iso/other.iso", digest: `sha256:${SHA256}` },
          ...{ sizeGiB: 12, unattended: false },
        },
      },
      {
        name: "files",
        image: { source: "ubuntu", suite: "noble", packages: ["strace"] },
        kernel: {
          source: "package",
          package: { deb: "/home/ann/linux-image.deb", sha256: SHA256 },
        },
        mesa: { source: "package", package: { deb: "/home/ann/mesa.deb", sha256: SHA256 } },
      },
      {
        name: "tar",
        video: {
          model: "virtio",
          outputs: [
            { width: 1280, height: 800, scale: 1 },
            { width: 800, height: 600, scale: 1, x: 1280, y: 200 },
          ],
        },
        kernel: {
          source: "build",
          build: {
            source: { url: "https://kernel.example.org/linux-6.12.tar.xz", sha256: SHA256 },
          },
        },
        mesa: {
          source: "build",
          build: { source: { url: "https://mesa.example.org/mesa-25.0.7.tar.xz", sha256: SHA256 } },
        },
      },
      {
        name: "atomic",
        image: { source: "debian", suite: "trixie" },
        session: { platform: "atomic-kms", rendering: "egl-generic", cursor: "software" },
      },
      {
        name: "git",
        kernel: {
          source: "build",
          build: {
            source: { git: "/srv/linux", commit: "0123456789abcdef0123456789abcdef01234567" },
          },
        },
        mesa: {
          source: "build",
          build: {
            source: { git: "/srv/mesa", commit: "0123456789abcdef0123456789abcdef01234567" },
          },
        },
      },
      {
        name: "desk",
        image: {
          source: "existing",
          domain: "desktop-12",
          ssh: {
            host: "192.0.2.7",
            port: 2222,
            user: "ann",
            privateKeyFile: "/home/ann/.ssh/id_ed25519",
            hostKey: HOST_KEY,
          },
          restart: "shutdown",
          connection: "session",
        },
      },
    ],
  },
];
