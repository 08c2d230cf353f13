<?php
/**
 * Plugin Name: Opportune
 * Description: Real-time personalization: tells your Opportune what visitors do, and shows what it decides.
 * Version: 0.1.0
 * Requires at least: 6.0
 * Requires PHP: 7.4
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain: opportune
 *
 * Everything else of Opportune is under the MIT licence; this folder alone is under the GPL, version 2 or later,
 * as WordPress asks of its plugins.
 *
 * @package Opportune
 */

defined( 'ABSPATH' ) || exit;

define( 'OPPORTUNE_FOLDER', __DIR__ );

foreach ( array( 'settings', 'client', 'visitor', 'path', 'page', 'slots', 'shop' ) as $opportune_part ) {
	require_once OPPORTUNE_FOLDER . "/includes/$opportune_part.php";
}

Opportune_Path::answer();
Opportune_Settings::begin();
Opportune_Client::begin();
Opportune_Page::begin();
Opportune_Slots::begin();
Opportune_Shop::begin();
