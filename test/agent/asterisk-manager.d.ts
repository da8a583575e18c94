declare module "asterisk-manager" {
  interface Manager {
    on(name: "managerevent", listener: (event: Record<string, unknown>) => void): void;
    disconnect(): void;
  }
  export default function createManager(
    port: number,
    host: string,
    user: string,
    secret: string,
    events: boolean,
  ): Manager;
}
