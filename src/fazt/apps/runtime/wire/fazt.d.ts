// Types of what the code of a site finds on fazt. `fazt functions types` writes this file.

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A key of the site's own store, with its value. */
interface DbEntry<T = any> {
  key: string;
  value: T;
  /** Grows with every write to the store. */
  version: number;
  /** When it goes, in milliseconds; null where it stays. */
  expiresAt: number | null;
}

type DbOperation =
  | { op: "set"; key: string; value: Json; ttl?: number; ifVersion?: number }
  | { op: "delete"; key: string; ifVersion?: number }
  | { op: "add"; key: string; amount?: number }
  /** Only compares: 0 means that the key must not exist. */
  | { op: "check"; key: string; ifVersion: number };

/** The site's own store. What was answered is on disk. */
declare const db: {
  get<T = any>(key: string): Promise<T | null>;
  entry<T = any>(key: string): Promise<DbEntry<T> | null>;
  /** Answers the new version. `ttl` in seconds; `ifVersion` 0 where the key must not exist yet. */
  set(key: string, value: unknown, options?: { ttl?: number; ifVersion?: number }): Promise<number>;
  /** Whether there was one. */
  delete(key: string, options?: { ifVersion?: number }): Promise<boolean>;
  /** In the order of the keys: from `start` on, before `end`; 100 of them unless `limit` says otherwise. */
  list<T = any>(options?: {
    prefix?: string;
    start?: string;
    end?: string;
    limit?: number;
    reverse?: boolean;
  }): Promise<DbEntry<T>[]>;
  /** Adds to a number, 0 where there is none; answers the sum. */
  add(key: string, amount?: number): Promise<number>;
  /** All of them or none; up to 100. */
  atomic(operations: DbOperation[]): Promise<unknown[]>;
};

/** The apps' functions, within the scopes of fazt.json: `await fazt.textdb.get({collection, id})`. */
declare const fazt: any;

/** The site's variables. */
declare const env: Readonly<Record<string, string>>;

/** What `db` and `fazt` throw. */
interface FaztError extends Error {
  kind:
    | "invalid"
    | "forbidden"
    | "not_found"
    | "conflict"
    | "precondition_failed"
    | "too_large"
    | "too_many"
    | "over_quota"
    | "unavailable"
    | "internal";
  hint: string;
  details: Record<string, Json>;
}

interface FaztContext {
  site: string;
  version: number;
  /** Keeps the process until the promise is settled. */
  waitUntil(promise: Promise<unknown>): void;
  passThroughOnException(): void;
}

interface FaztScheduled {
  type: "scheduled";
  name: string;
  cron: string;
  /** The time it was due, in milliseconds. */
  scheduledTime: number;
  attempt: number;
}

interface FaztEvent<T = any> {
  type: "event";
  id: number;
  name: string;
  key: string;
  /** In milliseconds. */
  at: number;
  data: T;
  attempt: number;
}

interface FaztMessage {
  readonly from: string;
  readonly to: string;
  readonly headers: Headers;
  readonly raw: ReadableStream<Uint8Array>;
  readonly rawSize: number;
  readonly subject: string | null;
  /** What people read of it, and what SPF, DKIM and DMARC said, where the app that received it tells. */
  readonly text: string | null;
  readonly verdicts: Json;
  setReject(reason: string): void;
  forward(to: string, headers?: Headers | Record<string, string>): Promise<void>;
  reply(message: { from: string; to: string; raw: string | ReadableStream<Uint8Array> }): Promise<void>;
}

/** What `main.ts` exports: `export default {…} satisfies FaztHandlers`. */
interface FaztHandlers {
  fetch?(request: Request, env: Record<string, string>, ctx: FaztContext): Response | Promise<Response>;
  scheduled?(event: FaztScheduled, env: Record<string, string>, ctx: FaztContext): unknown;
  event?(event: FaztEvent, env: Record<string, string>, ctx: FaztContext): unknown;
  email?(message: FaztMessage, env: Record<string, string>, ctx: FaztContext): unknown;
}

/** In the classic form, a script without exports. */
declare const req: {
  method: string;
  path: string;
  url: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  /** An object where JSON or a form came, else text. */
  body: any;
  text: string;
};
declare const res: {
  status(code: number): typeof res;
  header(name: string, value: string): typeof res;
  json(value: unknown): typeof res;
  send(value: unknown): typeof res;
};
