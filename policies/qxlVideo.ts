import type { Video } from "../components/domain/declaredParts";
import { ConfigKey, domainPolicy } from "./kit";

interface Config {
  readonly minRamKiB: number;
  readonly minVramKiB: number;
  readonly minVgamemKiB: number;
  readonly otherModels: Readonly<Record<string, string>>;
}

const size = (of: string, fallback: number): ConfigKey<number> => ({
  ...{ type: "integer", minimum: 1024, default: fallback, description: `Minimum ${of}, KiB.` },
});

const SIZES = [
  ["ramKiB", "minRamKiB"],
  ["vramKiB", "minVramKiB"],
  ["vgamemKiB", "minVgamemKiB"],
] as const;

export const qxlVideo = domainPolicy<Config>(
  {
    name: "qxl-video",
    description: "A domain's video is QXL, with enough memory for Mir's screen.",
    severity: "medium",
    enforcementLevel: "mandatory",
    why: "With another model the guest uses another driver: the lab would test something else.",
    remediationSteps:
      "Set the video model to qxl and raise its memory, or list the other model with the reason in otherModels.",
    config: {
      minRamKiB: size("primary memory", 16384),
      minVramKiB: size("surface memory", 8192),
      minVgamemKiB: size("frame buffer", 8192),
      otherModels: {
        type: "object",
        additionalProperties: { type: "string", minLength: 10 },
        default: {},
        description: 'Other allowed models, each with the reason: `{ "virtio": "..." }`.',
      },
    },
  },
  ({ name, videos }, report, config) => {
    const say = (found: string, need: string, fix: string): void =>
      report({ what: `domain '${name}'`, found, need, fix });
    if (videos.length === 0) say("no video device", "QXL video", "set video.type to qxl");
    for (const video of videos) {
      if (video.model === "qxl") {
        for (const [key, least] of tooLow(video, config)) {
          say(`${video[key]} KiB of ${key}`, `at least ${least} KiB`, `raise ${key}`);
        }
      } else if (!(video.model in config.otherModels)) {
        say(
          `the video model '${video.model}'`,
          "QXL video",
          "set the model to qxl, or list it with the reason in otherModels of this policy",
        );
      }
    }
  },
);

function tooLow(video: Video, config: Config): [(typeof SIZES)[number][0], number][] {
  return SIZES.filter(([key, least]) => video[key] < config[least]).map(([key, least]) => [
    key,
    config[least],
  ]);
}
