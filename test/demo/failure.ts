/** The demo could not go on; `part` is where, in the reader's language. */
export class DemoFailure extends Error {
  override name = "DemoFailure";
  readonly part: string;
  constructor(part: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.part = part;
  }
}

/** Runs a part of the demo; what it throws is told under the part's name. */
export async function inPart<T>(part: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DemoFailure || (error instanceof Error && error.name === "AbortError")) throw error;
    throw new DemoFailure(part, error);
  }
}
