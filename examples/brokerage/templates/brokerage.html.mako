## The brokerage's letterhead. Every mail inherits it and fills subject(), preheader(), why() and its body.
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
  body { margin: 0; padding: 0; background-color: #f3efe7; color: #24312c; font-family: -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; font-size: 16px; line-height: 1.55; -webkit-text-size-adjust: 100%; }
  table { border-collapse: collapse; }
  td { padding: 0; }
  p { margin: 0 0 16px; }
  a { color: #8a4a22; }
  .preheader { display: none; max-height: 0; overflow: hidden; font-size: 1px; line-height: 1px; color: #f3efe7; }
  .page { width: 100%; background-color: #f3efe7; }
  .sheet { width: 100%; max-width: 600px; margin: 0 auto; }
  .brand { padding: 28px 36px 18px; font-family: Georgia, 'Times New Roman', serif; font-size: 20px; color: #1e4a3c; }
  .brand-place { font-family: -apple-system, 'Segoe UI', Roboto, Arial, sans-serif; font-size: 12px; letter-spacing: 0.12em; text-transform: uppercase; color: #5c6660; }
  .card { background-color: #ffffff; border-radius: 14px; }
  .hero { background-color: #1e4a3c; border-radius: 14px 14px 0 0; padding: 34px 36px 30px; color: #ffffff; }
  .eyebrow { margin: 0 0 10px; font-size: 12px; font-weight: 600; letter-spacing: 0.14em; text-transform: uppercase; color: #e9c9a3; }
  .title { margin: 0; font-family: Georgia, 'Times New Roman', serif; font-size: 30px; font-weight: normal; line-height: 1.22; color: #ffffff; text-wrap: balance; }
  .place { margin: 12px 0 0; font-size: 15px; color: #cfe0d6; }
  .inner { padding: 30px 36px 34px; }
  .price { margin: 0 0 4px; font-family: Georgia, 'Times New Roman', serif; font-size: 34px; line-height: 1.2; color: #1e4a3c; }
  .was { margin: 0 0 4px; font-size: 16px; color: #6b736d; text-decoration: line-through; }
  .pill { display: inline-block; padding: 4px 12px; border-radius: 99px; background-color: #f6e4d2; color: #7a3d18; font-size: 13px; font-weight: 600; }
  .facts { width: 100%; margin: 18px 0 22px; border-top: 1px solid #e5dfd3; border-bottom: 1px solid #e5dfd3; }
  .fact { padding: 12px 0; text-align: center; width: 25%; }
  .fact-number { display: block; font-size: 19px; font-weight: 600; color: #24312c; }
  .fact-word { display: block; font-size: 12px; color: #5c6660; }
  .when { width: 100%; margin: 0 0 22px; background-color: #f7f3ec; border-radius: 12px; }
  .when-day { width: 92px; padding: 14px 0; text-align: center; background-color: #a85a28; border-radius: 12px 0 0 12px; color: #ffffff; }
  .when-month { display: block; font-size: 12px; font-weight: 600; letter-spacing: 0.12em; text-transform: uppercase; color: #ffe9d6; }
  .when-number { display: block; font-family: Georgia, serif; font-size: 36px; line-height: 1.1; color: #ffffff; }
  .when-day.off { background-color: #7d857f; }
  .when-month.off, .when-number.off { color: #ffffff; }
  .when-time.off { color: #5c6660; text-decoration: line-through; }
  .when-text { padding: 14px 18px; }
  .when-time { font-size: 18px; font-weight: 600; color: #24312c; }
  .quiet { font-size: 14px; color: #5c6660; }
  .button { display: inline-block; padding: 13px 26px; border-radius: 99px; background-color: #a85a28; color: #ffffff; font-weight: 600; text-decoration: none; }
  .agent { width: 100%; margin: 26px 0 0; border-top: 1px solid #e5dfd3; }
  .agent td { padding-top: 22px; }
  .monogram { width: 52px; height: 52px; border-radius: 26px; background-color: #dfe9e2; color: #1e4a3c; font-family: Georgia, serif; font-size: 19px; line-height: 52px; text-align: center; }
  .agent-name { font-weight: 600; }
  .list { width: 100%; margin: 0 0 20px; }
  .list td { padding: 11px 0; border-top: 1px solid #ece6da; vertical-align: top; font-size: 15px; }
  .list .number { text-align: right; white-space: nowrap; padding-left: 14px; }
  .heading { margin: 26px 0 10px; font-size: 13px; font-weight: 600; letter-spacing: 0.08em; text-transform: uppercase; color: #5c6660; }
  .totals { width: 100%; margin: 10px 0 8px; background-color: #f7f3ec; border-radius: 12px; }
  .total { width: 33%; padding: 16px 10px; text-align: center; }
  .total-number { display: block; font-family: Georgia, serif; font-size: 22px; color: #1e4a3c; }
  .together { white-space: nowrap; }
  .foot { padding: 22px 36px 40px; font-size: 13px; line-height: 1.5; color: #5c6660; text-align: center; text-wrap: balance; }
  @media (max-width: 640px) {
    .hero { padding: 26px 22px 24px !important; border-radius: 0 !important; }
    .card { border-radius: 0 !important; }
    .inner { padding: 24px 22px 28px !important; }
    .brand { padding: 22px 22px 14px !important; }
    .title { font-size: 25px !important; }
    .price { font-size: 30px !important; }
    .foot { padding: 20px 22px 34px !important; }
    .total-number { font-size: 17px !important; }
    .button { display: block !important; text-align: center !important; }
  }
  @media (prefers-color-scheme: dark) {
    body, .page { background-color: #141a17 !important; color: #e6e9e4 !important; }
    .preheader { color: #141a17 !important; }
    .card { background-color: #1e2622 !important; }
    .hero { background-color: #173a2f !important; }
    .brand { color: #a9cdb9 !important; }
    .brand-place, .quiet, .heading, .fact-word, .foot { color: #9aa59d !important; }
    .price, .total-number { color: #9fd3b8 !important; }
    .was { color: #8b948d !important; }
    .pill { background-color: #4a2f1b !important; color: #f3c8a0 !important; }
    .fact-number, .when-time { color: #f1f3ef !important; }
    .when-time.off { color: #9aa59d !important; }
    .when-day.off { background-color: #4a544e !important; }
    .facts, .agent { border-color: #36413b !important; }
    .list td { border-color: #303a35 !important; }
    .when, .totals { background-color: #262f2a !important; }
    .monogram { background-color: #2d4a3e !important; color: #cfe6d9 !important; }
    a { color: #e8ad7d !important; }
    .button { color: #ffffff !important; }
  }
</style>
</head>
<body>
<div class="preheader">${self.preheader()}</div>
<table role="presentation" class="page" width="100%"><tr><td align="center">
<!--[if mso]><table role="presentation" width="600" align="center"><tr><td><![endif]-->
<table role="presentation" class="sheet" width="600">
<tr><td class="brand">${office_name}<br><span class="brand-place">Real estate, since 1962</span></td></tr>
<tr><td class="card">
${self.body()}
</td></tr>
<tr><td class="foot">
<p>${self.why()}</p>
<p>${office_name}<br><span class="together">${office_street}</span> · <span class="together">${office_phone}</span></p>
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</body>
</html>

<%def name="hero(eyebrow, title, place)">
<table role="presentation" width="100%"><tr><td class="hero">
<p class="eyebrow">${eyebrow}</p>
<h1 class="title">${title}</h1>
<p class="place">${place}</p>
</td></tr></table>
</%def>

<%def name="facts(bedrooms, bathrooms, area_sqft, last, last_word)">
<table role="presentation" class="facts" width="100%"><tr>
<td class="fact"><span class="fact-number">${bedrooms}</span> <span class="fact-word">${'bedroom' if bedrooms == 1 else 'bedrooms'}</span></td>
<td class="fact"><span class="fact-number">${bathrooms | number}</span> <span class="fact-word">${'bath' if bathrooms == 1 else 'baths'}</span></td>
<td class="fact"><span class="fact-number">${area_sqft | number}</span> <span class="fact-word">square feet</span></td>
% if last is not None:
<td class="fact"><span class="fact-number">${last}</span> <span class="fact-word">${last_word}</span></td>
% endif
</tr></table>
</%def>

<%def name="when(at, text)">
<table role="presentation" class="when" width="100%"><tr>
<td class="when-day"><span class="when-month">${at.strftime('%b')}</span> <span class="when-number">${at.day}</span></td>
<td class="when-text"><span class="when-time">${at | weekday}, ${at | time}</span><br><span class="quiet">${text}</span></td>
</tr></table>
</%def>

## The same of what does not take place. Classes are written out: a class that a record decides is inlined mail by mail.
<%def name="when_off(at, text)">
<table role="presentation" class="when" width="100%"><tr>
<td class="when-day off"><span class="when-month off">${at.strftime('%b')}</span> <span class="when-number off">${at.day}</span></td>
<td class="when-text"><span class="when-time off">${at | weekday}, ${at | time}</span><br><span class="quiet">${text}</span></td>
</tr></table>
</%def>

<%def name="agent_card()">
<table role="presentation" class="agent" width="100%"><tr>
<td width="68" aria-hidden="true"><div class="monogram">${initials(agent_name)}</div></td>
<td><span class="agent-name">${agent_name}</span><br><span class="quiet">${agent_title}</span><br>
<a href="tel:${digits(agent_phone)}">${agent_phone}</a> · <a href="mailto:${agent_email}">Write to ${agent_name.split(' ')[0]}</a></td>
</tr></table>
</%def>

<%!
    def initials(name):
        return "".join(part[0] for part in (name or "?").split()[:2])

    def digits(phone):
        return "".join(c for c in (phone or "") if c.isdigit() or c == "+")
%>
