import type { Video } from "../components/domain/declaredParts";
import { ConfigKey, domainPolicy } from "./kit";

interface Config {
  readonly minRamKiB: number;
  readonly minVramKiB: number;
  readonly minVgamemKiB: number;
  readonly otherModels: Readonly<Record<string, string>>;
}

const size = (of: string, fallback: number): ConfigKey<number> => ({
  ...{ type: "integer", minimum: 1024, default: fallback, description: `Least ${of}, KiB.` },
});

const SIZES = [
  ["ramKiB", "minRamKiB"],
  ["vramKiB", "minVramKiB"],
  ["vgamemKiB", "minVgamemKiB"],
] as const;

export const qxlVideo = domainPolicy<Config>(
  {
    name: "qxl-video",
    description: "A domain's video is QXL, with memory enough for Mir's screen.",
    severity: "medium",
    enforcementLevel: "mandatory",
    why: "Another model makes another driver answer in the guest: the lab would test something else.",
    remediationSteps:
      "Set the video model to qxl and raise its memory; or name the other model, with the reason, in otherModels.",
    config: {
      minRamKiB: size("primary memory", 16384),
      minVramKiB: size("surface memory", 8192),
      minVgamemKiB: size("frame buffer", 8192),
      otherModels: {
        type: "object",
        additionalProperties: { type: "string", minLength: 10 },
        default: {},
        description: 'Other models that may be, each with its reason: `{ "virtio": "..." }`.',
      },
    },
  },
  ({ name, videos }, report, config) => {
    const say = (what: string, fix: string): void =>
      report(`The domain '${name}' must have QXL video, ${what}; ${fix}.`);
    if (videos.length === 0) say("found no video device declared", "set video.type to qxl");
    for (const video of videos) {
      if (video.model === "qxl") for (const low of tooLow(video, config)) say(low, "raise it");
      else if (!(video.model in config.otherModels)) {
        say(
          `found '${video.model}'`,
          "set the model to qxl, or give the reason for it in otherModels of this policy",
        );
      }
    }
  },
);

function tooLow(video: Video, config: Config): string[] {
  return SIZES.filter(([key, least]) => video[key] < config[least]).map(
    ([key, least]) => `at least ${config[least]} KiB of ${key}, found ${video[key]}`,
  );
}
