"""The days after: another currency, second thoughts, and what was saved just now."""

from auditviewer.demo.week.first_days import (
    HOT,
    LARGE,
    RENEWAL,
    WELCOME_WEBSITE,
    WIN_BACK,
)
from auditviewer.demo.week.people import (
    AIKO,
    ANA,
    FX,
    JONAS,
    MOBILE,
    PRIYA,
    RUNNER,
    SAMUEL,
    SCORING,
    TOMAS,
)
from auditviewer.demo.week.saves import (
    ACTION,
    CONDITION,
    Ago,
    At,
    action,
    add,
    condition,
    create_workflow,
    delete_workflow,
    edit,
    edit_user,
    edit_workflow,
    remove,
    reorder,
    save,
    settings,
    system,
)
from auditviewer.demo.week.statements import NOW

VERY_LARGE = "Flag very large deals"
FAIR = "Tag trade fair visitors"
NURTURE = "Nurture quiet leads"
ASK_WHY = "Ask why we lost"

MOVING_TO_FRANCS = (
    save(
        At(4, "10:03"),
        JONAS,
        settings(currency="CHF"),
        reason="Invoices come from Zurich from now on",
    ),
    save(At(4, "10:44"), ANA, edit_workflow(LARGE, owner_id=ANA)),
    save(
        At(4, "11:15"),
        TOMAS,
        create_workflow(
            FAIR,
            condition("lead_source", "is", "Trade fair"),
            action("add_tag", tag="fair"),
            owner=TOMAS,
            record_type="lead",
        ),
    ),
    save(
        At(4, "11:21"),
        TOMAS,
        add(FAIR, 2, action("assign_owner", AIKO)),
        edit_workflow(FAIR, is_enabled=True),
    ),
    save(
        At(4, "15:02"),
        SAMUEL,
        add(WIN_BACK, 3, condition("lost_reason", "is", "Price")),
        edit(CONDITION, WIN_BACK, 2, value="3000"),
        via=MOBILE,
    ),
    system(
        At(3, "03:00"),
        FX,
        edit(CONDITION, LARGE, 1, value="9350"),
        edit(CONDITION, WIN_BACK, 2, value="2805"),
    ),
    save(
        At(3, "09:25"),
        ANA,
        add(LARGE, 2, condition("deal_stage", "is_not", "Won")),
        reorder(CONDITION, LARGE, 2, 1),
    ),
    save(At(3, "10:50"), PRIYA, settings(is_dnd_email_blocked=False)),
    save(At(3, "10:52"), PRIYA, settings(is_dnd_email_blocked=True), reason="Wrong switch"),
    save(
        At(3, "13:15"),
        TOMAS,
        create_workflow(
            f"Copy of {LARGE}",
            condition("deal_stage", "is_not", "Won"),
            condition("deal_value", "is_greater_than", "9350"),
            action("create_task", ANA, title="Check credit"),
            action("add_tag", tag="large"),
            owner=TOMAS,
            record_type="deal",
        ),
    ),
    save(
        At(3, "13:18"),
        TOMAS,
        edit(CONDITION, f"Copy of {LARGE}", 2, value="50000"),
        edit(ACTION, f"Copy of {LARGE}", 1, assignee_id=PRIYA, settings={"title": "Sign off"}),
        edit(ACTION, f"Copy of {LARGE}", 2, settings={"tag": "very large"}),
        edit_workflow(f"Copy of {LARGE}", name=VERY_LARGE),
    ),
    save(At(3, "13:20"), TOMAS, edit_workflow(VERY_LARGE, is_enabled=True)),
    save(At(3, "16:05"), JONAS, settings(time_format="12h")),
)

SECOND_THOUGHTS = (
    save(
        At(3, "17:41"),
        PRIYA,
        settings(
            cancellation_requested_at=NOW,
            cancellation_reason="Next year's budget isn't approved yet",
        ),
    ),
    system(At(2, "02:15"), SCORING, edit(CONDITION, HOT, 1, value="66")),
    save(
        At(2, "08:15"),
        PRIYA,
        settings(cancellation_requested_at=None, cancellation_reason=None),
        reason="Budget approved",
    ),
    save(At(2, "09:35"), TOMAS, delete_workflow(FAIR), reason="The fair is over"),
    save(
        At(2, "10:20"),
        SAMUEL,
        create_workflow(
            NURTURE,
            condition("last_contacted_at", "is_before", "30 days ago"),
            condition("lead_score", "is_less_than", "40"),
            action("send_email", template="Spring catalogue"),
            owner=SAMUEL,
            record_type="lead",
        ),
    ),
    save(
        At(2, "11:45"),
        SAMUEL,
        edit(CONDITION, NURTURE, 1, operator="is_before", value="45 days ago"),
        edit(CONDITION, NURTURE, 2, operator="is_greater_than", value="20"),
        add(NURTURE, 3, condition("country", "is_not", "Brazil")),
        add(NURTURE, 2, action("update_field", field="Lifecycle stage", value="Nurtured")),
        edit_workflow(NURTURE, is_enabled=True),
    ),
    save(At(2, "15:10"), PRIYA, settings(company_name="Kestrel Bikes AG")),
    system(At(2, "18:52"), RUNNER, edit_workflow(NURTURE, is_enabled=False)),
    system(At(1, "02:15"), SCORING, edit(CONDITION, HOT, 1, value="65")),
    save(
        At(1, "08:50"),
        SAMUEL,
        edit(ACTION, NURTURE, 1, settings={"template": "Autumn catalogue"}),
        edit_workflow(NURTURE, is_enabled=True),
        reason="The template had been deleted",
    ),
    save(At(1, "11:10"), JONAS, settings(time_format="24h")),
    save(
        At(1, "13:33"),
        TOMAS,
        add(WELCOME_WEBSITE, 3, action("create_task", AIKO, title="Look who it is")),
        reorder(ACTION, WELCOME_WEBSITE, 3, 1, 2),
    ),
    save(
        At(1, "16:30"),
        PRIYA,
        edit_workflow(NURTURE, owner_id=ANA),
        edit(ACTION, HOT, 1, assignee_id=AIKO),
        edit_user(SAMUEL, deactivated_at=NOW),
        reason="Samuel's last day",
    ),
)

LATELY = (
    save(Ago(338), ANA, edit_workflow(NURTURE, description="One e-mail a season, not more.")),
    save(Ago(214), TOMAS, delete_workflow(WIN_BACK)),
    save(
        Ago(95),
        TOMAS,
        create_workflow(
            ASK_WHY,
            condition("deal_stage", "is", "Lost"),
            condition("lost_reason", "is_empty"),
            action("create_task", title="Ask the customer why"),
            owner=ANA,
            record_type="deal",
        ),
    ),
    save(
        Ago(41),
        PRIYA,
        edit_workflow(HOT, match="all", owner_id=ANA),
        edit(CONDITION, HOT, 1, value="50"),
        remove(CONDITION, HOT, 3),
        add(HOT, 3, condition("country", "is_not", "Brazil")),
        add(HOT, 3, action("send_email", template="Your contact at Kestrel")),
        reorder(ACTION, HOT, 1, 3, 2),
        reason="Agreed in Monday's sales meeting",
    ),
    system(Ago(12), RUNNER, edit_workflow(RENEWAL, is_enabled=False)),
    save(
        Ago(3),
        ANA,
        edit(ACTION, RENEWAL, 2, settings={"template": "Your service contract 2"}),
        edit_workflow(RENEWAL, is_enabled=True),
    ),
)
