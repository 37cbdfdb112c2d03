## The base layout of every mail: one column, 600 px, the full width of a phone, dark where the reader wants it.
## A child defines subject(), and its body is the mail; it may define preheader(), header(), footer() and styles().
## Selectors outside of @media are plain (tag, .class, tag.class), so that they are inlined once, at load.
<%def name="subject()"></%def>\
<%def name="preheader()"></%def>\
<%def name="header()"></%def>\
<%def name="footer()"></%def>\
<%def name="styles()"></%def>\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${self.subject()}</title>
<style>
body { margin: 0; padding: 0; background: #eef0f3; -webkit-text-size-adjust: 100% }
table { border-collapse: collapse; border-spacing: 0 }
img { border: 0; display: block; max-width: 100% }
td { padding: 0; vertical-align: top; font-family: -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif }
h1 { margin: 0 0 12px; font-size: 24px; line-height: 1.25; font-weight: 700; color: #16202c }
h2 { margin: 24px 0 8px; font-size: 17px; line-height: 1.3; font-weight: 700; color: #16202c }
p { margin: 0 0 16px; font-size: 16px; line-height: 1.55; color: #2b3745 }
a { color: #1a5fb4 }
.page { width: 100%; background: #eef0f3 }
.edge { padding: 24px 12px }
.column { width: 100%; max-width: 600px; margin: 0 auto; background: #ffffff; border-radius: 12px }
.top { padding: 28px 32px 0 }
.main { padding: 28px 32px 12px }
.bottom { padding: 18px 32px 28px; font-size: 13px; line-height: 1.5; color: #5d6b7a }
.rows { width: 100%; margin: 0 0 16px }
.label { padding: 9px 12px 9px 0; border-bottom: 1px solid #e3e7ec; font-size: 15px; color: #5d6b7a; text-align: left; font-weight: 400 }
.value { padding: 9px 0; border-bottom: 1px solid #e3e7ec; font-size: 15px; color: #16202c; text-align: right }
.total { padding: 11px 0; font-size: 16px; font-weight: 700; color: #16202c; text-align: right }
.button { display: inline-block; padding: 13px 26px; border-radius: 8px; background: #1a5fb4; color: #ffffff; font-size: 16px; font-weight: 600; text-decoration: none }
.muted { color: #5d6b7a; font-size: 14px }
.preheader { display: none; max-height: 0; overflow: hidden; font-size: 1px; line-height: 1px; color: #eef0f3 }
@media (max-width: 620px) {
  .edge { padding: 0 !important }
  .column { border-radius: 0 !important }
  .top { padding: 22px 20px 0 !important }
  .main { padding: 22px 20px 8px !important }
  .bottom { padding: 16px 20px 24px !important }
  .button { display: block !important; text-align: center !important }
}
@media (prefers-color-scheme: dark) {
  body, .page { background: #10151b !important }
  .column { background: #1a222c !important }
  h1, h2, .value, .total { color: #f0f3f6 !important }
  p { color: #d4dbe3 !important }
  a { color: #8ab8ff !important }
  .label, .muted, .bottom { color: #9aa8b6 !important }
  .label, .value { border-color: #2f3a47 !important }
  .button { background: #3d7edb !important; color: #ffffff !important }
  .preheader { color: #10151b !important }
}
${self.styles()}
</style>
</head>
<body>
<div class="preheader">${self.preheader()}</div>
<table role="presentation" class="page" width="100%"><tr><td align="center" class="edge">
<!--[if mso]><table role="presentation" width="600" align="center"><tr><td><![endif]-->
<table role="presentation" class="column" width="600">
<tr><td class="top">${self.header()}</td></tr>
<tr><td class="main">
${next.body()}
</td></tr>
<tr><td class="bottom">${self.footer()}</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</body>
</html>
