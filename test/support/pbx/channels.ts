import { headerOf } from "./capture.ts";

const FIELDS = [
  "Channel",
  "ChannelState",
  "ChannelStateDesc",
  "CallerIDNum",
  "CallerIDName",
  "ConnectedLineNum",
  "ConnectedLineName",
  "Language",
  "AccountCode",
  "Context",
  "Exten",
  "Priority",
  "Uniqueid",
  "Linkedid",
] as const;

/** Events that say nothing about a channel's state; most of the volume. */
const SILENT = new Set(["VarSet", "TestEvent", "RTCPSent", "RTCPReceived", "DeviceStateChange", "QueueMemberStatus"]);
const OWNER = /^(\w*?)Uniqueid: (\S+)\r$/gm;

interface Channel {
  fields: Map<string, string>;
  createdAtSeconds: number;
  dnid: string;
  application: string;
  applicationData: string;
  bridge: string;
}

/** The channels that exist on the PBX, learned from what it plays, as CoreShowChannels and Status tell them. */
export class ChannelTable {
  readonly #channels = new Map<string, Channel>();
  readonly #deviceStates = new Map<string, string>();

  get size(): number {
    return this.#channels.size;
  }

  get ids(): string[] {
    return [...this.#channels.keys()];
  }

  /** Learns from one event's text (as sent). */
  apply(name: string, text: string): void {
    if (name === "DeviceStateChange") this.#deviceStates.set(headerOf(text, "Device")!, headerOf(text, "State")!);
    if (SILENT.has(name)) return;
    if (name === "Newchannel") this.#add(text);
    for (const [, prefix, id] of text.matchAll(OWNER)) {
      const channel = this.#channels.get(id!);
      if (channel !== undefined) learn(channel, prefix!, text);
    }
    const id = headerOf(text, "Uniqueid");
    if (id === undefined) return;
    if (name === "Hangup") this.#channels.delete(id);
    else this.#follow(name, id, text);
  }

  /** A channel that existed before the play began, from a recorded CoreShowChannel or Status answer. */
  applyExisting(text: string): void {
    const channel = this.#channels.get(headerOf(text, "Uniqueid")!) ?? this.#add(text);
    channel.application = headerOf(text, "Application") ?? "";
    channel.applicationData = headerOf(text, "ApplicationData") ?? headerOf(text, "Data") ?? "";
    channel.bridge = headerOf(text, "BridgeId") ?? headerOf(text, "BridgeID") ?? "";
    channel.dnid = headerOf(text, "DNID") ?? "";
  }

  /** Asterisk is gone, and its channels with it. */
  clear(): void {
    this.#channels.clear();
  }

  coreShowChannels(actionId: string, nowMs: number): string[] {
    return [...this.#channels.values()].map((channel) =>
      lines(["Event: CoreShowChannel", ...actionIdLine(actionId), ...base(channel)], {
        Application: channel.application,
        ApplicationData: channel.applicationData,
        Duration: clock(age(channel, nowMs)),
        BridgeId: channel.bridge,
      }),
    );
  }

  status(actionId: string, nowMs: number): string[] {
    return [...this.#channels.values()].map((channel) =>
      lines(["Event: Status", "Privilege: Call", ...base(channel)], {
        Type: channel.fields.get("Channel")?.split("/")[0] ?? "",
        DNID: channel.dnid,
        EffectiveConnectedLineNum: channel.fields.get("ConnectedLineNum") ?? "",
        EffectiveConnectedLineName: channel.fields.get("ConnectedLineName") ?? "",
        TimeToHangup: "0",
        BridgeID: channel.bridge,
        Application: channel.application,
        Data: channel.applicationData,
        Seconds: String(age(channel, nowMs)),
        ...(actionId === "" ? {} : { ActionID: actionId }),
      }),
    );
  }

  deviceStates(actionId: string): string[] {
    return [...this.#deviceStates].map(([Device, State]) =>
      lines(["Event: DeviceStateChange", ...actionIdLine(actionId)], { Device, State }),
    );
  }

  #add(text: string): Channel {
    const id = headerOf(text, "Uniqueid")!;
    const channel: Channel = {
      fields: new Map(),
      createdAtSeconds: Number(/(\d+)\.\d+$/.exec(id)?.[1] ?? 0),
      dnid: headerOf(text, "Exten") ?? "",
      application: "",
      applicationData: "",
      bridge: "",
    };
    learn(channel, "", text);
    this.#channels.set(id, channel);
    return channel;
  }

  #follow(name: string, id: string, text: string): void {
    const channel = this.#channels.get(id);
    if (channel === undefined) return;
    if (name === "Newexten") {
      channel.application = headerOf(text, "Application") ?? "";
      channel.applicationData = headerOf(text, "AppData") ?? "";
    }
    if (name === "BridgeEnter") channel.bridge = headerOf(text, "BridgeUniqueid") ?? "";
    if (name === "BridgeLeave") channel.bridge = "";
    if (name === "Rename") channel.fields.set("Channel", headerOf(text, "Newname") ?? "");
  }
}

/** Takes over what an event says of a channel under one prefix ("", "Dest", "Transferer", ...). */
function learn(channel: Channel, prefix: string, text: string): void {
  if (headerOf(text, `${prefix}Channel`) === undefined) return;
  for (const field of FIELDS) {
    const value = headerOf(text, `${prefix}${field}`);
    if (value !== undefined) channel.fields.set(field, value);
  }
}

function base(channel: Channel): string[] {
  return FIELDS.map((field) => `${field}: ${channel.fields.get(field) ?? ""}`);
}

function lines(head: readonly string[], tail: Record<string, string>): string {
  const rest = Object.entries(tail).map(([name, value]) => `${name}: ${value}`);
  return `${[...head, ...rest].join("\r\n")}\r\n\r\n`;
}

function actionIdLine(actionId: string): string[] {
  return actionId === "" ? [] : [`ActionID: ${actionId}`];
}

function age(channel: Channel, nowMs: number): number {
  return Math.max(0, Math.floor(nowMs / 1000) - channel.createdAtSeconds);
}

function clock(seconds: number): string {
  const part = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${part(seconds / 3600)}:${part((seconds / 60) % 60)}:${part(seconds % 60)}`;
}
