// A page of a web client that is watched: what goes wrong in it is a fault, whether or not somebody looks for it.

// What goes wrong without being a fault of the server, and why.
const excused = [
  [/net::ERR_ABORTED/, 'a page that is left breaks off what it was asking for'],
  [/404 .*\/panels$/, 'the client asks for the panels of agents that do not run, and can do without'],
  [/Failed to fetch (plugin|from) registry/, 'it looks for plugins elsewhere as well'],
];

// watched gives what opens pages in a context, shows whether they are at rest and sound, and collects their faults.
export function watched(context, base) {
  const faults = [];
  let expected = []; // what may go wrong for now
  const fault = text => {
    if (![...expected, ...excused.map(([what]) => what)].some(what => what.test(text))) faults.push(text);
  };
  const here = url => url.startsWith(base) || !/^https?:/.test(url);

  const open = async path => {
    const page = await context.newPage();
    // The client looks up its own releases, plugins and voices elsewhere, where a test does not go.
    await page.route(url => !here(url.href), route => route.abort());
    page.on('pageerror', error => fault(`the page threw ${error.message}`));
    page.on('response', r => { if (r.status() >= 400) fault(`${r.status()} ${r.request().method()} ${r.url()}`); });
    page.on('requestfailed', r => { if (here(r.url())) fault(`${r.failure()?.errorText} ${r.method()} ${r.url()}`); });
    page.on('console', m => { if (m.type() === 'error' && here(m.location().url)) fault(`on the console: ${m.text().split('\n')[0]} ${m.location().url}`); });
    await page.addInitScript(() => {
      // An error that pops up is gone after three seconds.
      new MutationObserver(() => {
        for (const toast of document.querySelectorAll('li.destructive')) console.error(`shown: ${toast.innerText}`);
      }).observe(document, { childList: true, subtree: true });
    });
    await page.goto(base + path);
    return page;
  };

  // At rest: nothing is loading any more.
  const rest = page => page.waitForFunction(() => {
    const text = document.body?.innerText ?? '';
    return text && !/\bLoading\b|-loading\b/.test(text) && [...document.images].every(i => i.complete) &&
      !document.querySelector('.animate-spin, [data-testid=skeleton], [data-testid=loading], [data-sidebar=menu-skeleton]');
  });

  const sound = async page => {
    const { broken, odd } = await page.evaluate(() => ({
      broken: [...document.images].filter(i => !i.naturalWidth).map(i => i.src),
      odd: document.body.innerText.match(/.*(Invalid date|\bNaN\b|\bundefined\b|\[object |Unnamed Group).*/i)?.[0],
    }));
    broken.forEach(src => fault(`a picture that does not show: ${src}`));
    if (odd) fault(`the page says: ${odd}`);
  };

  return { faults, open, rest, sound, expect: (...what) => { expected = what; } };
}
