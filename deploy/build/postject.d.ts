declare module "postject" {
  /** Puts `resource` into the executable `file` under `name` and flips its fuse. */
  export function inject(
    file: string,
    name: string,
    resource: Uint8Array,
    options: { sentinelFuse: string },
  ): Promise<void>;
}
