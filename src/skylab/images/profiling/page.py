"""The page around the report: its looks, by day and by night."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Profile of {title}</title>
<style>
:root {{ color-scheme: light dark; --page: #f9f9f7; --card: #fcfcfb; --ink: #0b0b0b; --soft: #52514e; --line: #e1e0d9;
  --c1: #2a78d6; --c2: #eb6834; --c3: #1baf7a; --c4: #eda100; --c5: #4a3aa7; --c6: #e87ba4;
  --grave: #d03b3b; --noted: #b87a00; --fine: #0a7d0a; }}
@media (prefers-color-scheme: dark) {{ :root {{ --page: #0d0d0d; --card: #1a1a19; --ink: #fff; --soft: #c3c2b7;
  --line: #2c2c2a; --c1: #3987e5; --c2: #d95926; --c3: #199e70; --c4: #c98500; --c5: #9085e9; --c6: #d55181;
  --grave: #e66767; --noted: #fab219; --fine: #4fc24f; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }}
main {{ max-width: 960px; margin: 0 auto; padding: 32px 20px 60px; }}
h1 {{ font-size: 26px; margin: 0; overflow-wrap: anywhere; }} h2 {{ font-size: 19px; margin: 0 0 12px; }}
h3 {{ font-size: 14px; margin: 18px 0 4px; color: var(--soft); font-weight: 600; }}
header p {{ margin: 4px 0 24px; color: var(--soft); }}
section {{ background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 20px 22px; margin: 0 0 18px; }}
.tiles {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 16px; }}
.tile span {{ color: var(--soft); font-size: 13px; display: block; }} .tile b {{ font-size: 28px; font-weight: 600; }}
.tile small {{ display: block; color: var(--soft); }}
article {{ border-left: 4px solid var(--fine); padding: 2px 0 2px 14px; margin: 0 0 16px; }}
article h3 {{ margin: 0; font-size: 16px; color: var(--ink); }} article p {{ margin: 2px 0 0; }}
article em {{ font-style: normal; font-size: 12px; font-weight: 600; color: var(--fine); }}
.grave {{ border-color: var(--grave); }} .grave em {{ color: var(--grave); }}
.noted {{ border-color: var(--noted); }} .noted em {{ color: var(--noted); }}
svg {{ width: 100%; height: auto; display: block; }} .grid {{ stroke: var(--line); stroke-width: 1; }}
.axis {{ fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }}
.start {{ text-anchor: start; }} .middle {{ text-anchor: middle; }} .end {{ text-anchor: end; }}
.line {{ fill: none; stroke-width: 2; stroke-linejoin: round; }} .area {{ fill-opacity: .12; }}
.line.c1 {{ stroke: var(--c1); }} .line.c2 {{ stroke: var(--c2); }} .line.c3 {{ stroke: var(--c3); }}
.line.c4 {{ stroke: var(--c4); }} .line.c5 {{ stroke: var(--c5); }} .line.c6 {{ stroke: var(--c6); }}
.area.c1, .fill.c1 {{ fill: var(--c1); }}
.legend {{ display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--soft); padding-left: 52px; }}
.legend i {{ display: inline-block; width: 12px; height: 3px; border-radius: 2px;
  margin-right: 6px; vertical-align: middle; }}
.legend .c1 {{ background: var(--c1); }}
.legend .c2 {{ background: var(--c2); }} .legend .c3 {{ background: var(--c3); }}
.legend .c4 {{ background: var(--c4); }} .legend .c5 {{ background: var(--c5); }}
.legend .c6 {{ background: var(--c6); }}
.wide {{ overflow-x: auto; }} table {{ border-collapse: collapse; width: 100%; font-size: 13px; }}
th, td {{ text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; }}
th:first-child, .word {{ text-align: left; }} tr:first-child th {{ color: var(--soft); font-weight: 600; }}
th {{ font-weight: 500; }} summary {{ cursor: pointer; margin-top: 14px; color: var(--soft); }}
.none, footer {{ color: var(--soft); }} footer {{ font-size: 13px; padding: 0 4px; }}
</style></head>
<body><main><header><h1>{title}</h1><p>SageMaker Debugger's profile, from {began} on, {length} long</p></header>
{body}</main></body></html>
"""
