// Drives the whole of @shlinkio/shlink-js-sdk against a server: node links_shlink.mjs BASE_URL API_KEY
import assert from "node:assert/strict";
import { ShlinkApiClient } from "@shlinkio/shlink-js-sdk";
import { NodeHttpClient } from "@shlinkio/shlink-js-sdk/node";

const [baseUrl, apiKey] = process.argv.slice(2);
const client = new ShlinkApiClient(new NodeHttpClient(), { baseUrl, apiKey });
const refused = async (call, type) => {
  try {
    await call();
  } catch (error) {
    assert.equal(error.type, `https://shlink.io/api/error/${type}`);
    return error;
  }
  throw new Error(`not refused: ${type}`);
};
const visit = (path, headers = {}) => fetch(`${baseUrl}${path}`, { redirect: "manual", headers });

assert.equal((await client.health()).status, "pass");
const stranger = new ShlinkApiClient(new NodeHttpClient(), { baseUrl, apiKey: "nonsense" });
await refused(() => stranger.listTags(), "invalid-api-key");

const made = await client.createShortUrl({
  longUrl: "https://example.org/a",
  customSlug: "docs",
  tags: ["News", "blog"],
  title: "A title",
  maxVisits: 10,
  validUntil: "2099-01-01T00:00:00+00:00",
  crawlable: true,
});
assert.equal(made.shortCode, "docs");
assert.equal(made.domain, null);
assert.deepEqual(made.tags.sort(), ["blog", "news"]);
assert.deepEqual(made.visitsSummary, { total: 0, nonBots: 0, bots: 0 });
assert.equal(made.meta.maxVisits, 10);
assert.equal(new Date(made.meta.validUntil).getUTCFullYear(), 2099);
await refused(() => client.createShortUrl({ longUrl: "https://example.org/b", customSlug: "docs" }), "non-unique-slug");
await refused(() => client.createShortUrl({ longUrl: "javascript:alert(1)" }), "invalid-data");
const random = await client.createShortUrl({ longUrl: "https://example.org/r", shortCodeLength: 6, tags: ["blog"] });
const same = await client.createShortUrl({ longUrl: "https://example.org/r", findIfExists: true });
assert.equal(same.shortCode, random.shortCode);

assert.equal((await client.getShortUrl({ shortCode: "docs" })).title, "A title");
await refused(() => client.getShortUrl({ shortCode: "nothing" }), "short-url-not-found");
const edited = await client.updateShortUrl({ shortCode: "docs" }, { title: null, maxVisits: null, tags: ["news"], longUrl: "https://example.org/c" });
assert.deepEqual([edited.title, edited.meta.maxVisits, edited.tags, edited.longUrl], [null, null, ["news"], "https://example.org/c"]);

const all = await client.listShortUrls({ itemsPerPage: 1, orderBy: { field: "shortCode", dir: "ASC" } });
assert.equal(all.data.length, 1);
assert.deepEqual([all.pagination.currentPage, all.pagination.pagesCount, all.pagination.totalItems], [1, 2, 2]);
assert.equal((await client.listShortUrls({ tags: ["news", "blog"], tagsMode: "all" })).data.length, 0);
assert.equal((await client.listShortUrls({ tags: ["news", "blog"], tagsMode: "any" })).data.length, 2);
assert.equal((await client.listShortUrls({ excludeTags: ["news"] })).data.length, 1);
assert.equal((await client.listShortUrls({ searchTerm: "example.org/c" })).data[0].shortCode, "docs");
assert.equal((await client.listShortUrls({ excludeMaxVisitsReached: true, excludePastValidUntil: true, domain: "DEFAULT" })).data.length, 2);

const rules = [{ longUrl: "https://de.example.org/", conditions: [{ type: "language", matchKey: null, matchValue: "de" }] }];
const set = await client.setShortUrlRedirectRules({ shortCode: "docs" }, { redirectRules: rules });
assert.equal(set.redirectRules[0].priority, 1);
const got = await client.getShortUrlRedirectRules({ shortCode: "docs" });
assert.deepEqual([got.defaultLongUrl, got.redirectRules[0].conditions], ["https://example.org/c", rules[0].conditions]);
assert.equal((await client.getShortUrl({ shortCode: "docs" })).hasRedirectRules, true);

const german = await visit("/r/docs", { "accept-language": "de", referer: "https://news.example/", "user-agent": "Mozilla/5.0 Firefox/145.0" });
assert.equal(german.headers.get("location"), "https://de.example.org/");
await visit("/r/docs", { "user-agent": "Googlebot/2.1" });
await visit("/r/not-there", { "user-agent": "Mozilla/5.0 Firefox/145.0" });
const visits = await client.getShortUrlVisits({ shortCode: "docs" });
assert.equal(visits.pagination.totalItems, 2);
assert.deepEqual(visits.data.map((one) => one.potentialBot).sort(), [false, true]);
assert.equal(visits.data.find((one) => !one.potentialBot).referer, "news.example");
assert.equal((await client.getShortUrlVisits({ shortCode: "docs" }, { excludeBots: true })).data.length, 1);
assert.equal((await client.getTagVisits("news")).data.length, 2);
await refused(() => client.getTagVisits("none"), "tag-not-found");
assert.equal((await client.getDomainVisits("DEFAULT")).data.length, 2);
await refused(() => client.getDomainVisits("other.example"), "domain-not-found");
assert.equal((await client.getNonOrphanVisits({ itemsPerPage: 1 })).data.length, 1);
const orphans = await client.getOrphanVisits({ type: "invalid_short_url" });
assert.deepEqual([orphans.data.length, orphans.data[0].type, orphans.data[0].visitedUrl], [1, "invalid_short_url", "/not-there"]);
const overview = await client.getVisitsOverview();
assert.deepEqual(overview.nonOrphanVisits, { total: 2, nonBots: 1, bots: 1 });
assert.deepEqual(overview.orphanVisits, { total: 1, nonBots: 1, bots: 0 });
assert.deepEqual(await client.deleteOrphanVisits(), { deletedVisits: 1 });
assert.deepEqual(await client.deleteShortUrlVisits({ shortCode: "docs" }), { deletedVisits: 2 });
assert.equal((await client.getShortUrl({ shortCode: "docs" })).visitsSummary.total, 0);

assert.deepEqual((await client.listTags()).data, ["blog", "news"]);
assert.equal((await client.tagsStats()).data.find((tag) => tag.tag === "news").shortUrlsCount, 1);
await client.editTag({ oldName: "news", newName: "old-news" });
await refused(() => client.editTag({ oldName: "old-news", newName: "blog" }), "tag-conflict");
await refused(() => client.editTag({ oldName: "none", newName: "x" }), "tag-not-found");
await client.deleteTags(["old-news"]);
assert.deepEqual((await client.listTags()).data, ["blog"]);

const domains = await client.listDomains();
assert.equal(domains.data[0].isDefault, true);
const redirects = await client.editDomainRedirects({ domain: domains.data[0].domain, baseUrlRedirect: "https://example.org/home" });
assert.equal(redirects.baseUrlRedirect, "https://example.org/home");
await refused(() => client.mercureInfo(), "mercure-not-configured");

await client.deleteShortUrl({ shortCode: "docs" });
await refused(() => client.getShortUrl({ shortCode: "docs" }), "short-url-not-found");
console.log("done");
