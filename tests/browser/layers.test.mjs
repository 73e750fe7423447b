// Web layers in a real browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { LAYER, count, openShop } from './shop.mjs';

let browser;

before(async () => {
  // A browser that runs as root, in a container say, has no sandbox.
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
});
after(() => browser.close());

/** A visitor with a browser of their own, and everything that goes wrong in it. */
async function visitor(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 640 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.wrong = [];
  page.on('pageerror', (error) => page.wrong.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.wrong.push(message.text()));
  return page;
}

/** Opens the page, and waits until its layer has been asked for. */
async function look(page, shop, how = () => page.goto(shop.origin)) {
  const answered = page.waitForResponse((answer) => answer.request().method() === 'POST');
  await how();
  return (await answered).status();
}

const dialog = (page) => page.getByRole('dialog');
const code = (page) => dialog(page).locator('code').innerText();

/** Keeps a picture for somebody to look at. */
async function picture(page, name) {
  const folder = process.env.TEAROFF_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
}

test('a page with the tag shows the layer, and its code is assigned', async (t) => {
  const shop = await openShop(t);
  const page = await visitor(t);
  assert.equal(await look(page, shop), 200);
  const shown = await code(page);
  assert.match(shown, /^SPRING-/);
  const voucher = JSON.parse(shop.run('voucher', 'show', shown, '--json'));
  assert.equal(voucher.state, 'assigned');
  assert.equal(count(shop, 'assigned'), 1);
  assert.equal(await dialog(page).getAttribute('aria-label'), 'Ten percent for you');
  assert.deepEqual(page.wrong, []);
  await picture(page, 'layer');
});

test('a reload shows the same code, another visitor another one', async (t) => {
  const shop = await openShop(t);
  const [page, other] = [await visitor(t), await visitor(t)];
  await look(page, shop);
  const shown = await code(page);
  await look(page, shop, () => page.reload());
  assert.equal(await code(page), shown);
  await look(other, shop);
  assert.notEqual(await code(other), shown);
  assert.equal(count(shop, 'assigned'), 2);
});

test('a token says who looks', async (t) => {
  const shop = await openShop(t, { settings: '' });
  const attributes = ['--attributes', '{"first_name": "Ada"}'];
  shop.tag = `data-token="${shop.run('token', '--layer', 'spring', '--customer', 'c42', ...attributes).trim()}"`;
  const [page, elsewhere] = [await visitor(t), await visitor(t)];
  await look(page, shop);
  await dialog(page).getByText('Ten percent for Ada').waitFor();
  await look(elsewhere, shop);
  assert.equal(await code(elsewhere), await code(page));
  shop.tag = 'data-token="forged.token"';
  assert.equal(await look(elsewhere, shop), 401);
  assert.equal(await dialog(elsewhere).count(), 0);
});

test('with the pool empty nothing appears, and no event is written', async (t) => {
  const shop = await openShop(t, { codes: 0 });
  const before = shop.run('export', 'journal');
  const page = await visitor(t);
  assert.equal(await look(page, shop), 204);
  assert.equal(await page.locator('[data-tearoff]').count(), 0);
  assert.equal(shop.run('export', 'journal'), before);
  assert.deepEqual(page.wrong, []);
});

test('with the server down nothing appears, and the page works', async (t) => {
  const shop = await openShop(t);
  const page = await visitor(t);
  await look(page, shop);
  await shop.stop();
  await page.goto(shop.origin);
  assert.equal(await page.locator('[data-tearoff]').count(), 0);
  await page.getByRole('link', { name: 'Basket' }).click();
  await page.waitForURL('**/basket');
});

test('with the server down after the script came nothing appears', async (t) => {
  const shop = await openShop(t);
  const page = await visitor(t);
  const errors = [];
  page.on('pageerror', (error) => errors.push(error));
  await page.route('**/display', (route) => route.abort('connectionrefused'));
  const failed = page.waitForEvent('requestfailed');
  await page.goto(shop.origin);
  await failed;
  await page.getByRole('link', { name: 'Basket' }).focus();
  assert.equal(await page.locator('[data-tearoff]').count(), 0);
  assert.deepEqual(errors, []);
});

test('a strict policy lets it look as it should', async (t) => {
  const csp = (api) =>
    `default-src 'none'; script-src ${api}; connect-src ${api}; img-src data:; require-trusted-types-for 'script'; trusted-types tearoff`;
  const shop = await openShop(t, { csp });
  const page = await visitor(t);
  await look(page, shop);
  const style = (locator, name) => locator.evaluate((found, property) => getComputedStyle(found)[property], name);
  assert.equal(await style(dialog(page), 'borderRadius'), '20px');
  assert.equal(await style(dialog(page).locator('h2'), 'color'), 'rgb(10, 90, 60)');
  assert.equal(await style(dialog(page).locator('p').first(), 'letterSpacing'), '2px');
  assert.deepEqual(page.wrong, []);
  await picture(page, 'strict-policy');
});

test('scripts in a layer do not run', async (t) => {
  const template = `${LAYER}<script>window.ran = 1</script><img src="/none.png" onerror="window.ran = 2">
    <a id="link" href=" java&#10;script:window.ran=3">link</a>`;
  const shop = await openShop(t, { template });
  const page = await visitor(t);
  await look(page, shop);
  await dialog(page).locator('#link').evaluate((link) => link.click());
  await dialog(page).locator('img').evaluate((image) => image.complete || new Promise((done) => { image.onerror = done; }));
  assert.equal(await page.evaluate(() => window.ran), undefined);
});

test('Escape closes it, and the focus returns', async (t) => {
  const shop = await openShop(t);
  const page = await visitor(t);
  await page.route('**/display', async (route) => {
    await page.locator('#first').focus();
    await route.continue();
  });
  await look(page, shop);
  await dialog(page).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.tearoff), 'spring');
  for (let n = 0; n < 6; n += 1) {
    await page.keyboard.press('Tab');
    assert.notEqual(await page.evaluate(() => document.activeElement.id), 'first');
  }
  await page.keyboard.press('Escape');
  await page.locator('[data-tearoff]').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'first');
});

test('its button and a click beside it close it, too', async (t) => {
  const shop = await openShop(t);
  const page = await visitor(t);
  await look(page, shop);
  await dialog(page).locator('h2').click();
  await dialog(page).getByRole('button', { name: 'Close' }).click();
  await page.locator('[data-tearoff]').waitFor({ state: 'detached' });
  await look(page, shop, () => page.reload());
  await dialog(page).waitFor();
  await page.mouse.click(5, 5);
  await page.locator('[data-tearoff]').waitFor({ state: 'detached' });
});

test('a click reveals it, and nothing is taken before', async (t) => {
  const shop = await openShop(t, { settings: 'anonymous = true\nreveal = "click"\nlabels = { reveal = "Show my code" }' });
  const page = await visitor(t);
  await look(page, shop);
  const button = page.getByRole('button', { name: 'Show my code' });
  await button.waitFor();
  await picture(page, 'reveal');
  assert.equal(await dialog(page).count(), 0);
  assert.equal(count(shop, 'assigned'), 0);
  await button.dblclick();
  await dialog(page).waitFor();
  assert.equal(count(shop, 'assigned'), 1);
  const shown = await code(page);
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
  assert.equal(await button.evaluate((found) => found.getRootNode().activeElement === found), true);
  await button.click();
  assert.equal(await code(page), shown);
});

test('a button copies the code', async (t) => {
  const shop = await openShop(t);
  const page = await visitor(t, { permissions: ['clipboard-read', 'clipboard-write'] });
  await look(page, shop);
  await dialog(page).getByRole('button', { name: 'Copy code' }).click();
  await dialog(page).getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await code(page));
});

test('a layer brings a button that copies, and a dialog', async (t) => {
  const template = `<dialog open aria-label="Mine"><code>{{ vouchers['spring'].assign_available() }}</code>
    <button data-copy="code: {{ vouchers['spring'].assign_available() }}">Take it</button>
    <form method="dialog"><button>No</button></form></dialog>`;
  const shop = await openShop(t, { template });
  const page = await visitor(t, { permissions: ['clipboard-read', 'clipboard-write'] });
  await look(page, shop);
  await page.getByRole('dialog', { name: 'Mine' }).waitFor();
  assert.equal(await page.getByRole('button').count(), 2);
  await page.getByRole('button', { name: 'Take it' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `code: ${await code(page)}`);
  await page.getByRole('button', { name: 'No' }).click();
  await page.locator('[data-tearoff]').waitFor({ state: 'detached' });
});

test('the layer of the examples is shown in its own dialog', async (t) => {
  const example = readFileSync(new URL('../../templates/exit-intent/body.html', import.meta.url), 'utf8');
  const shop = await openShop(t, { template: example.replace("vouchers['exit-intent']", "vouchers['spring']") });
  const page = await visitor(t);
  await look(page, shop);
  await page.getByRole('dialog', { name: 'Before you go' }).waitFor();
  assert.match(await dialog(page).locator('.tt-layer__code').innerText(), /^SPRING-/);
  await picture(page, 'example');
  await dialog(page).getByRole('button', { name: 'No, thank you' }).click();
  await page.locator('[data-tearoff]').waitFor({ state: 'detached' });
});

test('it moves only for those who want motion', async (t) => {
  const shop = await openShop(t);
  const animation = async (reducedMotion) => {
    const page = await visitor(t, { reducedMotion });
    await look(page, shop);
    return dialog(page).evaluate((found) => getComputedStyle(found).animationName);
  };
  assert.equal(await animation('no-preference'), 'rise');
  assert.equal(await animation('reduce'), 'none');
});

test('it fits a telephone, by day and by night', async (t) => {
  const shop = await openShop(t);
  for (const colorScheme of ['light', 'dark']) {
    const page = await visitor(t, { viewport: { width: 360, height: 640 }, colorScheme });
    await look(page, shop);
    const box = await dialog(page).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 360 && box.y >= 0 && box.y + box.height <= 640, JSON.stringify(box));
    await picture(page, `telephone-${colorScheme}`);
  }
});
