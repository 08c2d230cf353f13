<?php
/**
 * What every page of the shop carries: the block that fills places before they are seen, and the page script with
 * what the shop knows of the page.
 *
 * @package Opportune
 */

defined( 'ABSPATH' ) || exit;

class Opportune_Page {

	/** Words in a page's address that tell what it is for. */
	const HINTS = array(
		'returns'  => '/retour|return|refund|rueckgabe|widerruf/',
		'shipping' => '/shipping|versand|delivery|lieferung/',
		'help'     => '/help|hilfe|faq|contact|kontakt|support/',
	);

	public static function begin() {
		add_action( 'wp_head', array( __CLASS__, 'show_head' ), 1 );
	}

	public static function show_head() {
		if ( ! Opportune_Settings::is_ready() || is_preview() || Opportune_Visitor::is_staff() ) {
			return;
		}
		$block = OPPORTUNE_FOLDER . '/head.js';
		if ( is_readable( $block ) ) {
			echo '<script>' . file_get_contents( $block ) . "</script>\n"; // phpcs:ignore -- Opportune's own block.
		}
		$facts = '';
		foreach ( self::facts() as $name => $value ) {
			$facts .= sprintf( ' data-%s="%s"', $name, esc_attr( $value ) );
		}
		printf( '<script async src="%s/o.js" data-key="%s"%s></script>' . "\n", esc_url( Opportune_Path::url() ), esc_attr( Opportune_Settings::get( 'write_key' ) ), $facts ); // phpcs:ignore
		self::show_customer();
	}

	/** Proves the signed-in customer to the page script; a page cache leaves signed-in customers alone. */
	private static function show_customer() {
		$user  = Opportune_Visitor::user_id();
		$token = Opportune_Visitor::token( $user );
		if ( '' !== $token ) {
			$call = wp_json_encode( array( 'identify', $user, new stdClass(), $token ), JSON_HEX_TAG | JSON_HEX_AMP );
			echo "<script>(window.opportune = window.opportune || []).push($call);</script>\n"; // phpcs:ignore
		}
	}

	/** What the shop knows of this page. */
	public static function facts() {
		$facts   = array( 'page-type' => self::type() );
		$product = self::product_id();
		if ( $product ) {
			$facts['product'] = (string) $product;
		}
		$category = self::category( $product );
		if ( '' !== $category ) {
			$facts['category'] = $category;
		}
		return $facts;
	}

	public static function type() {
		if ( function_exists( 'is_woocommerce' ) ) {
			foreach ( array( 'order_received_page' => 'thank-you', 'checkout' => 'checkout', 'cart' => 'cart', 'account_page' => 'account', 'product' => 'product' ) as $name => $type ) {
				if ( function_exists( "is_$name" ) && call_user_func( "is_$name" ) ) {
					return $type;
				}
			}
			if ( is_product_category() || is_product_tag() || is_shop() ) {
				return is_search() ? 'search' : 'category';
			}
		}
		if ( is_front_page() ) {
			return 'home';
		}
		if ( is_search() ) {
			return 'search';
		}
		$path = self::path();
		foreach ( is_page() ? self::HINTS : array() as $type => $pattern ) {
			if ( preg_match( $pattern, $path ) ) {
				return $type;
			}
		}
		return 'other';
	}

	public static function product_id() {
		return function_exists( 'is_product' ) && is_product() ? (int) get_queried_object_id() : 0;
	}

	/** The narrowest category of the page's product, or the one the page lists. */
	public static function category( $product ) {
		if ( $product ) {
			return Opportune_Shop::category_of( $product );
		}
		return function_exists( 'is_product_category' ) && is_product_category() ? (string) single_term_title( '', false ) : '';
	}

	public static function path() {
		return (string) strtok( isset( $_SERVER['REQUEST_URI'] ) ? (string) wp_unslash( $_SERVER['REQUEST_URI'] ) : '/', '?' );
	}

	/** The page as an event states it; of a background call, the page that made it. */
	public static function current() {
		$referrer = wp_get_raw_referer();
		if ( ! wp_doing_ajax() && ! ( defined( 'REST_REQUEST' ) && REST_REQUEST ) ) {
			return array( 'path' => self::path(), 'url' => home_url( self::path() ) );
		}
		return $referrer ? array( 'url' => (string) strtok( $referrer, '?#' ) ) : array();
	}
}
