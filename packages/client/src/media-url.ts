import { endpoint, urlOf } from "./endpoint.js";
import { parseMxcUri } from "./mxc.js";

export interface MediaUrlOptions {
  /** A smaller picture instead of the content itself; the homeserver has a few sizes, and gives the next larger one. */
  readonly thumbnail?: Thumbnail;
}

export interface Thumbnail {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** `scale` keeps the whole picture, `crop` fills the size with a part of it; by default what the homeserver prefers. */
  readonly method?: "crop" | "scale";
}

/** The URL of uploaded content, or of its thumbnail, for a request that carries the access token in its header. */
export function mediaUrl(baseClientUrl: string, mxcUri: string, { thumbnail }: MediaUrlOptions = {}): string {
  const { serverName, mediaId } = parseMxcUri(mxcUri);
  if (!thumbnail) return urlOf(baseClientUrl, endpoint`v1/media/download/${serverName}/${mediaId}`);
  const { width, height, method } = thumbnail;
  if (![width, height].every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new TypeError(`Cannot make the URL of a thumbnail: its size is ${width} × ${height}; pass whole pixels`);
  }
  return urlOf(baseClientUrl, endpoint`v1/media/thumbnail/${serverName}/${mediaId}`, { width, height, method });
}
