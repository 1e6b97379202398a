// react-admin's data provider for json-server, through its whole interface. Arguments: the address of /db, a token.
import assert from 'node:assert/strict';
import provide from 'ra-data-json-server';
import { fetchUtils } from 'ra-core';

const [url, token] = process.argv.slice(2);
const provider = provide(url, (address, options = {}) =>
  fetchUtils.fetchJson(address, { ...options, user: { authenticated: true, token: `Bearer ${token}` } }));

const authors = [];
for (const name of ['Ada', 'Blaise', 'Carl']) {
  authors.push((await provider.create('authors', { data: { name } })).data);
}
assert.ok(authors.every(({ id, name }) => id && name));
const posts = [];
for (let n = 1; n <= 25; n++) {
  const data = { id: n, title: `Post ${n}`, views: n * 10, author: authors[n % 3].id, meta: { draft: n % 2 === 0 } };
  posts.push((await provider.create('posts', { data })).data);
}
assert.deepEqual(posts[4], { id: 5, title: 'Post 5', views: 50, author: authors[2].id, meta: { draft: false } });

const page = (number, perPage = 10) => ({ page: number, perPage });
const list = await provider.getList('posts', {
  pagination: page(2), sort: { field: 'views', order: 'DESC' }, filter: {} });
assert.equal(list.total, 25);
assert.deepEqual(list.data.map(({ id }) => id), [15, 14, 13, 12, 11, 10, 9, 8, 7, 6]);
const byId = await provider.getList('posts', { pagination: page(1, 3), sort: { field: 'id', order: 'ASC' }, filter: {} });
assert.deepEqual(byId.data.map(({ id }) => id), [1, 2, 3]);
const filtered = await provider.getList('posts', {
  pagination: page(1), sort: { field: 'id', order: 'ASC' }, filter: { meta: { draft: true }, views_gte: 100, q: 'post' } });
assert.deepEqual(filtered.data.map(({ id }) => id), [10, 12, 14, 16, 18, 20, 22, 24]);
assert.equal(filtered.total, 8);
assert.deepEqual((await provider.getOne('posts', { id: 7 })).data, posts[6]);
await assert.rejects(provider.getOne('posts', { id: 700 }), (error) => error.status === 404);
const many = await provider.getMany('posts', { ids: [3, 1, 24] });
assert.deepEqual(many.data.map(({ id }) => id).sort((a, b) => a - b), [1, 3, 24]);
const of = await provider.getManyReference('posts', {
  target: 'author', id: authors[0].id, pagination: page(1, 5), sort: { field: 'id', order: 'DESC' }, filter: {} });
assert.equal(of.total, 8);
assert.deepEqual(of.data.map(({ id }) => id), [24, 21, 18, 15, 12]);
const updated = await provider.update('posts', {
  id: 7, data: { ...posts[6], title: 'New' }, previousData: posts[6] });
assert.equal(updated.data.title, 'New');
assert.equal((await provider.getOne('posts', { id: 7 })).data.title, 'New');
assert.deepEqual((await provider.updateMany('posts', { ids: [1, 2], data: { title: 'Both' } })).data, [1, 2]);
assert.equal((await provider.getOne('posts', { id: 2 })).data.title, 'Both');
await provider.delete('posts', { id: 7, previousData: posts[6] });
await assert.rejects(provider.getOne('posts', { id: 7 }), (error) => error.status === 404);
await provider.deleteMany('posts', { ids: [1, 2, 3] });
const rest = await provider.getList('posts', { pagination: page(1), sort: { field: 'id', order: 'ASC' }, filter: {} });
assert.equal(rest.total, 21);
console.log('whole');
