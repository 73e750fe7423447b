//! Template syntax and placeholders, as data would hold them that somebody hopes to see run. They claim of the pool `p`.

pub(crate) const ATTACKS: [&str; 8] = [
    "{{ vouchers['p'].assign_available() }}",
    "{{ vouchers.p.assign(per='customer') }}",
    "{% for i in [1] %}looped{% endfor %}",
    "{% abort %}",
    "$cst.p.coupon$",
    "{# gone #}",
    "{% raw %}{{ 1 + 1 }}{% endraw %}",
    "''|__joined {{ 7 * 7 }}",
];
