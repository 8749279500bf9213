"""What can be measured of how a page looks: overflow, contrast, names of what can be pressed."""

from __future__ import annotations

from playwright.sync_api import Page

LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, for text of any size."""

_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > width + 0.5);
  return wide.slice(0, 5).map(one => one.outerHTML.slice(0, 120)).concat(['the page scrolls sideways']);
}"""

_FAINT = """least => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => under.map((one, i) => i === 3 ? 1 : top[i] * top[3] + one * (1 - top[3]));
  const ground = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(rgba(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), rgba('Canvas'));
  };
  const light = ([r, g, b]) => {
    const part = one => (one /= 255) <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (element.closest('script, style, title, desc, :disabled, [aria-disabled=true]')) continue;
    const style = getComputedStyle(element), under = ground(element);
    const ink = rgba(element instanceof SVGElement ? style.fill : style.color);
    for (let one = element; one; one = one.parentElement) ink[3] *= Number(getComputedStyle(one).opacity);
    const [high, low] = [light(over(ink, under)), light(under)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < least) faint.push(`${contrast.toFixed(2)}: ${text.slice(0, 40)} <${element.tagName} ${element.className}>`);
  }
  return [...new Set(faint)];
}"""

_NAMELESS = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter(one => one.checkVisibility() && !(one.innerText || one.ariaLabel || one.labels?.length || one.title
    || one.getAttribute('aria-labelledby')))
  .map(one => one.outerHTML.slice(0, 120))"""


def too_wide(page: Page) -> list[str]:
    """What sticks out to the right, if the page as a whole scrolls sideways."""
    found: list[str] = page.evaluate(_TOO_WIDE)
    return found


def faint(page: Page) -> list[str]:
    """Visible texts with less contrast to their ground than `LEAST_CONTRAST`. Pictures as grounds are not looked at."""
    found: list[str] = page.evaluate(_FAINT, LEAST_CONTRAST)
    return found


def nameless(page: Page) -> list[str]:
    """What can be pressed or filled in, but not spoken of."""
    found: list[str] = page.evaluate(_NAMELESS)
    return found
