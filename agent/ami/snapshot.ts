import { header, type AmiEvent } from "../../shared/ami-event.ts";
import type { AmiConnection } from "./connection.ts";
import { isRefused } from "./facts.ts";

const CHANNELS_ID = "ringpost-channels";
const STATUS_ID = "ringpost-status";

/**
 * Which channels exist right after login. The lists themselves pass through the stream; this only watches them.
 * A channel born while the list is being made counts as existing: calling it dead would end a call that runs.
 */
export class Snapshot {
  readonly channels = new Map<string, string>();
  readonly done: Promise<void>;
  #finish: () => void = () => {};
  #listed = 0;
  #listComplete = false;
  #statusComplete = false;
  refused = false;

  constructor() {
    this.done = new Promise((resolve) => (this.#finish = resolve));
  }

  get complete(): boolean {
    return this.#listComplete;
  }

  /** Asks for both lists. `done` resolves when both have ended or were refused. */
  async request(connection: AmiConnection): Promise<void> {
    const [channels, status] = await Promise.all([
      connection.actionWithId(CHANNELS_ID, "CoreShowChannels"),
      connection.actionWithId(STATUS_ID, "Status"),
    ]);
    this.refused = isRefused(channels);
    this.#statusComplete ||= isRefused(status);
    this.#check();
  }

  watch(event: AmiEvent): void {
    const id = header(event, "ActionID");
    if (event.Event === "CoreShowChannel" && id === CHANNELS_ID) this.#listed++;
    else if (event.Event === "CoreShowChannelsComplete" && id === CHANNELS_ID) this.#ended(event);
    else if (event.Event === "StatusComplete" && id === STATUS_ID) this.#statusComplete = true;
    else if (event.Event !== "Newchannel") return;
    this.#add(event);
    this.#check();
  }

  #add(event: AmiEvent): void {
    const uniqueid = header(event, "Uniqueid");
    if (uniqueid !== undefined) this.channels.set(uniqueid, header(event, "Linkedid") ?? uniqueid);
  }

  #ended(event: AmiEvent): void {
    const items = header(event, "ListItems");
    this.#listComplete = items === undefined || Number(items) === this.#listed;
    this.#channelsEnded = true;
  }
  #channelsEnded = false;

  #check(): void {
    if ((this.#channelsEnded || this.refused) && this.#statusComplete) this.#finish();
  }
}
