/** Exit codes of the verbs; the engine's own pass through. README.md shows this table. Pure. */
export const EXIT = {
  ok: 0,
  /** Something failed, or was refused; the last lines say what. */
  failed: 1,
  /** `drift`, `policy`, `doctor`: the question has no answer. */
  couldNotTell: 2,
  /** `policy`: Pulumi's own number for a violated mandatory policy. */
  violated: 5,
  /** `drift`: Pulumi's own number for changes that were not expected. */
  drift: 7,
  /** 128 and the number of the signal, as a shell reports it. */
  interrupted: 130,
} as const;
