"""The application Django finds the template tags in."""

from __future__ import annotations

from django.apps import AppConfig


class OpportuneConfig(AppConfig):
    name = "opportune.web.django"
    label = "opportune"
    verbose_name = "Opportune"
